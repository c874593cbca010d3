import { compareTexts } from "./compare-texts.ts";
import { createComputed, type Observable } from "./observable.ts";
import type { Member, RoomEvent } from "./room-event.ts";

/** The members of one room, from pages and events in any order: of two states of one member the newer wins. */
export class RoomMembers {
  /** Who is in the room, in the order in which they came. */
  readonly members: Observable<readonly Member[]>;
  readonly #computed = createComputed(() => this.#compute());
  readonly #byUser = new Map<string, { version: string; member: Member | undefined }>();

  constructor() {
    this.members = this.#computed;
  }

  put(members: readonly Member[]): void {
    for (const member of members)
      this.#set(member.user.id, member.version, member.leftAt === null ? member : undefined);
    this.#computed.changed();
  }

  take(event: RoomEvent): void {
    if (event.__typename === "MemberLeft") this.#set(event.user.id, event.cursor, undefined);
    else if ("member" in event) this.#set(event.member.user.id, event.member.version, event.member);
    else return;
    this.#computed.changed();
  }

  clear(): void {
    this.#byUser.clear();
    this.#computed.changed();
  }

  #set(userId: string, version: string, member: Member | undefined) {
    const held = this.#byUser.get(userId);
    if (!held || version >= held.version) this.#byUser.set(userId, { version, member });
  }

  #compute(): readonly Member[] {
    const present = Array.from(this.#byUser.values(), ({ member }) => member).filter((member) => member !== undefined);
    return present.sort((a, b) => compareTexts(a.joinedAt, b.joinedAt));
  }
}
