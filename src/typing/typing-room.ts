import type { StateStream } from "../state-stream.ts";
import type { Bus, BusSubscription } from "../live/bus.ts";
import type { BoardClock } from "../live/presence-board.clock.ts";
import type { Change, UserRow } from "../log/changes.ts";
import type { Hub } from "../log/hub.ts";
import { Insistence } from "../presence/insistence.ts";
import type { Memberships } from "./memberships.ts";
import { decodeTyping, encodeTyping, lifetimeMs, typingChannel } from "./typing-announcement.ts";
import type { TypingAnnouncement } from "./typing-announcement.ts";
import { Typers } from "./typers.ts";
import { TypingFollowers, type TypingState } from "./typing-followers.ts";
import { TypingList } from "./typing-list.ts";

export type TypingRoomUse = {
  bus: Bus;
  hub: Pick<Hub, "listen">;
  memberships: Pick<Memberships, "readAnew">;
  clock: BoardClock;
  onFault: (fault: unknown) => void;
  count: { typers: number };
  source: string;
};

const answerEveryMs = 1_000;
/** A node that does not watch the room may believe for a second that a former member is one, and others for 5 s what it says. */
const partedMs = 2 * lifetimeMs;
const maxParted = 1_000;

/** One room where somebody types over a connection of this node, or somebody on this node wants to know who does. */
export class TypingRoom implements Disposable {
  readonly #roomId: string;
  readonly #use: TypingRoomUse;
  readonly #list: TypingList;
  readonly #typers: Typers;
  readonly #followers: TypingFollowers;
  readonly #subscription: BusSubscription;
  readonly #stopListening: () => void;
  readonly #onIdle: () => void;
  readonly #insistence: Insistence;
  /** Former members, and until when nothing is believed that is said of them. */
  readonly #parted = new Map<string, number>();
  #answeredAtMs = -Infinity;
  #callOffAnswer: (() => void) | null = null;
  #hasAsked = false;
  #isClosed = false;

  /** `onIdle` is called whenever nobody is left. */
  constructor(roomId: string, use: TypingRoomUse, onIdle: () => void) {
    const { clock, source } = use;
    this.#roomId = roomId;
    this.#use = use;
    this.#onIdle = onIdle;
    this.#insistence = new Insistence(use);
    this.#list = new TypingList({ clock, onChange: () => this.#followers.changed() });
    this.#followers = new TypingFollowers({ roomId, clock, typing: () => this.#list.users });
    this.#typers = new Typers({
      clock,
      count: use.count,
      events: {
        started: (typist) => this.#list.start(typist, source),
        stopped: (userId) => this.#list.stop(userId, source),
        announceStart: (typist) => this.#announce({ kind: "typing", source, typists: [typist] }),
        announceStop: (userId) => this.#announce({ kind: "stopped", source, userId }),
        onEmpty: () => this.#idle(),
      },
    });
    this.#subscription = use.bus.subscribe(typingChannel(roomId), (text) => this.#heard(text));
    this.#stopListening = use.hub.listen(roomId, {
      changed: (changes) => this.#logged(changes),
      reset: () => void this.#check([...this.#followers.viewerIds, ...this.#typing]),
    });
  }

  get isIdle(): boolean {
    return this.#followers.size === 0 && this.#typers.size === 0;
  }

  start(user: UserRow, connection: string): void {
    this.#typers.start(user, connection);
  }

  stop(userId: string, connection: string): void {
    this.#typers.stop(userId, connection);
  }

  /** Who types now, at once, and again whenever that changes. The room is to be watched meanwhile. */
  follow(viewerId: string, onClose: () => void): StateStream<TypingState> {
    const stream = this.#followers.add(viewerId, () => {
      onClose();
      this.#idle();
    });
    // Who left before the room was watched may be in the list yet.
    if (this.#followers.size === 1 && this.#typing.length > 0) void this.#check(this.#typing);
    void this.#ask();
    return stream;
  }

  /** This user is no member any more. */
  part(userId: string): void {
    this.#parted.set(userId, this.#use.clock.monotonicMs() + partedMs);
    if (this.#parted.size > maxParted) this.#parted.delete(this.#parted.keys().next().value!);
    this.#end(userId);
    this.#followers.end(userId);
  }

  /** As far as is known here. */
  get #typing(): string[] {
    return [...this.#list.users, ...this.#typers.typists.map(({ user }) => user)].map(({ id }) => id);
  }

  /** Until it is known which of these are members nothing is told. */
  async #check(userIds: readonly string[]): Promise<void> {
    this.#followers.hold();
    await this.#partFormer(userIds);
    this.#followers.release();
  }

  async #partFormer(userIds: readonly string[]): Promise<void> {
    const { memberships } = this.#use;
    const parting = [...new Set(userIds)].map(async (userId) => {
      const isMember = await this.#insistence.on(() => memberships.readAnew({ roomId: this.#roomId, userId }));
      if (isMember === false) this.part(userId);
    });
    await Promise.all(parting);
  }

  #logged(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.type === "MessageSent") this.#end(change.message.senderId);
      if (change.type === "MemberJoined") this.#parted.delete(change.member.userId);
      if (change.type === "MemberLeft") this.part(change.member.userId);
    }
  }

  #end(userId: string): void {
    this.#typers.end(userId);
    this.#list.drop(userId);
  }

  #heard(text: string): void {
    const announcement = decodeTyping(text);
    if (announcement === null || announcement.source === this.#use.source) return;
    const { kind, source } = announcement;
    if (kind === "asked") this.#answerSoon();
    else if (kind === "stopped") this.#list.stop(announcement.userId, source);
    else
      for (const typist of announcement.typists) if (!this.#hasParted(typist.user.id)) this.#list.start(typist, source);
  }

  #hasParted(userId: string): boolean {
    return (this.#parted.get(userId) ?? -Infinity) > this.#use.clock.monotonicMs();
  }

  /** Whatever was announced before this node listened. */
  async #ask(): Promise<void> {
    if (this.#hasAsked) return;
    this.#hasAsked = true;
    await this.#subscription.acknowledged;
    this.#announce({ kind: "asked", source: this.#use.source });
  }

  #answerSoon(): void {
    if (this.#callOffAnswer || this.#typers.size === 0) return;
    const waitMs = this.#answeredAtMs + answerEveryMs - this.#use.clock.monotonicMs();
    if (waitMs <= 0) return void this.#answer();
    this.#callOffAnswer = this.#use.clock.after(waitMs, () => void this.#answer());
  }

  async #answer(): Promise<void> {
    this.#callOffAnswer = null;
    this.#answeredAtMs = this.#use.clock.monotonicMs();
    // Where this node does not watch the room it may have missed that one of them left.
    await this.#partFormer(this.#typing);
    const { typists } = this.#typers;
    if (typists.length > 0) this.#announce({ kind: "typing", source: this.#use.source, typists });
  }

  #announce(announcement: TypingAnnouncement): void {
    // Where it is lost, what it said ends by itself, or is said again.
    if (!this.#isClosed) void this.#use.bus.publish(typingChannel(this.#roomId), encodeTyping(announcement));
  }

  #idle(): void {
    if (this.isIdle) this.#onIdle();
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#insistence[Symbol.dispose]();
    this.#stopListening();
    void this.#subscription.close();
    this.#followers[Symbol.dispose]();
    this.#callOffAnswer?.();
    this.#typers[Symbol.dispose]();
    this.#list[Symbol.dispose]();
  }
}
