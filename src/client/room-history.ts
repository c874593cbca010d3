import {
  RoomMessagesDocument,
  RoomPlacesDocument,
  type RoomMessagesQuery,
  type RoomPlacesQuery,
  type RoomPlacesQueryVariables,
} from "./generated/operations.ts";
import type { Requests } from "./requests.ts";

export type HistoryPage = NonNullable<RoomMessagesQuery["room"]>;

/** Messages a page, and for each of them the readers that are told at most. */
const pageSize = 50;
const maxReaders = 20;

/** Reads a room's messages page by page, from the newest back. */
export class RoomHistory {
  readonly #requests: Requests;
  readonly #roomId: string;
  /** The place in the server's list of the oldest message that was read. */
  #oldest: { position: string; place: string } | undefined;

  constructor(options: { requests: Requests; roomId: string }) {
    this.#requests = options.requests;
    this.#roomId = options.roomId;
  }

  /** Null where there is no such room for this user. */
  newest(signal: AbortSignal): Promise<HistoryPage | null> {
    return this.#read(null, signal);
  }

  /** The page before this position, which is that of a message of the room. */
  async before(position: string, signal: AbortSignal): Promise<HistoryPage | null> {
    const place = this.#oldest?.position === position ? this.#oldest.place : await this.#placeOf(position, signal);
    return this.#read(place, signal);
  }

  async #read(before: string | null, signal: AbortSignal): Promise<HistoryPage | null> {
    const variables = { id: this.#roomId, last: pageSize, before, readers: maxReaders };
    const { room } = await this.#requests.ask(RoomMessagesDocument, variables, { signal });
    const first = room?.messages.edges[0];
    const place = room?.messages.pageInfo.startCursor;
    if (first && place) this.#oldest = { position: first.node.position, place };
    return room;
  }

  /**
   * The place of the last page that begins at or after a position. Asked for only where a room was open for so long that live
   * messages pushed out all that pages gave.
   */
  async #placeOf(position: string, signal: AbortSignal): Promise<string | null> {
    let place: string | null = null;
    for (;;) {
      const variables: RoomPlacesQueryVariables = { id: this.#roomId, before: place };
      const { room }: RoomPlacesQuery = await this.#requests.ask(RoomPlacesDocument, variables, { signal });
      const first = room?.messages.edges[0];
      if (!first || first.node.position < position) return place;
      place = room.messages.pageInfo.startCursor;
      if (!room.messages.pageInfo.hasPreviousPage || place === null) return place;
    }
  }
}
