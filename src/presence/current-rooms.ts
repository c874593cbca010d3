import type { BoardClock } from "../live/presence-board.clock.ts";
import type { PresenceBoard } from "../live/presence-board.ts";
import type { Change } from "../log/changes.ts";
import type { Hub } from "../log/hub.ts";
import type { RoomsStore } from "../rooms/rooms.store.ts";
import { Insistence } from "./insistence.ts";

export type CurrentRoomsUse = {
  hub: Pick<Hub, "watchRooms" | "unwatchRooms" | "listen">;
  board: Pick<PresenceBoard, "update">;
  rooms: Pick<RoomsStore, "readMembers">;
  clock: BoardClock;
  onFault: (fault: unknown) => void;
};

/** A session that is, or wants to be, in a room. */
export type Place = { readonly sessionId: string; readonly userId: string; readonly roomId: string };

type Room = { places: Set<Place>; stopListening: () => void };

/** The rooms that sessions of this node say they are in: whoever is removed from one is in it no longer. */
export class CurrentRooms implements Disposable {
  readonly #use: CurrentRoomsUse;
  readonly #rooms = new Map<string, Room>();
  /** By session. */
  readonly #taken = new Map<string, Place>();
  readonly #insistence: Insistence;

  constructor(use: CurrentRoomsUse) {
    this.#use = use;
    this.#insistence = new Insistence(use);
  }

  /** Once it resolves the user's removal from the room is noticed. To be taken or given up. */
  async reserve(place: Place): Promise<void> {
    await this.#use.hub.watchRooms([place.roomId]);
    const room = this.#rooms.get(place.roomId) ?? this.#listen(place.roomId);
    room.places.add(place);
  }

  /** The session is in this room, and in no other any more. False: the user was removed since it was reserved. */
  take(place: Place): boolean {
    if (!this.#rooms.get(place.roomId)?.places.has(place)) return false;
    this.leave(place.sessionId);
    this.#taken.set(place.sessionId, place);
    return true;
  }

  isTaken(place: Place): boolean {
    return this.#taken.get(place.sessionId) === place;
  }

  giveUp(place: Place): void {
    const room = this.#rooms.get(place.roomId);
    if (!room?.places.delete(place)) return;
    if (this.#taken.get(place.sessionId) === place) this.#taken.delete(place.sessionId);
    this.#use.hub.unwatchRooms([place.roomId]);
    if (room.places.size > 0) return;
    room.stopListening();
    this.#rooms.delete(place.roomId);
  }

  /** The session is in no room, or has ended. */
  leave(sessionId: string): void {
    const place = this.#taken.get(sessionId);
    if (place) this.giveUp(place);
  }

  #listen(roomId: string): Room {
    const stopListening = this.#use.hub.listen(roomId, {
      changed: (changes) => this.#changed(roomId, changes),
      reset: () => void this.#lookAnew(roomId),
    });
    const room = { places: new Set<Place>(), stopListening };
    this.#rooms.set(roomId, room);
    return room;
  }

  #changed(roomId: string, changes: readonly Change[]): void {
    const left = new Set(changes.flatMap((change) => (change.type === "MemberLeft" ? [change.member.userId] : [])));
    if (left.size === 0) return;
    for (const place of this.#rooms.get(roomId)?.places ?? []) if (left.has(place.userId)) this.#clear(place);
  }

  async #lookAnew(roomId: string): Promise<void> {
    const places = [...(this.#rooms.get(roomId)?.places ?? [])];
    const ofMembers = await this.#insistence.on(() => this.#use.rooms.readMembers(places));
    const staying = new Set(ofMembers ?? places);
    for (const place of places) if (!staying.has(place)) this.#clear(place);
  }

  #clear(place: Place): void {
    if (this.isTaken(place)) this.#use.board.update(place.sessionId, { roomId: null });
    this.giveUp(place);
  }

  [Symbol.dispose](): void {
    this.#insistence[Symbol.dispose]();
    for (const place of [...this.#rooms.values()].flatMap(({ places }) => [...places])) this.giveUp(place);
  }
}
