import { isTransient } from "../database/faults.ts";
import { invalid, notFound, rateLimited } from "../errors.ts";
import { createBatcher } from "../log/batcher.ts";
import type { ReadRange, ReceiptChange, UserRow } from "../log/changes.ts";
import type { Hub } from "../log/hub.ts";
import { isId } from "../log/ids.ts";
import type { Pace } from "./pace.ts";
import type { Mark, Marked, ReceiptsStore } from "./receipts.store.ts";

const maxIds = 500;
/** What one commit takes at most, so that a room is not locked for long. */
const maxIdsAtOnce = 2_000;
/** The same of a call that marks all up to one: what it marks lies between what was read before. */
const maxGapsAtOnce = 1_000;

export type MarkReadInput = { roomId: string; messageIds?: string[] | null; upToId?: string | null };
type Marking = { mark: Mark; reader: UserRow };
export type Receipts = ReturnType<typeof createReceipts>;

/** Read receipts. Those that arrive together for one room commit together, take one revision and are one event. */
export function createReceipts(use: {
  store: Pick<ReceiptsStore, "mark">;
  hub: Pick<Hub, "publish">;
  pace: Pace;
  onBatch?: (size: number) => void;
}) {
  const { store, hub, pace, onBatch = () => {} } = use;
  const marks = createBatcher<Marking, Marked>({
    run,
    laneOf: ({ mark }) => mark.roomId,
    // One reader's calls go one after the other: what the first marked is read for the second.
    keyOf: ({ mark }) => `${mark.roomId} ${mark.readerId}`,
    isTransient,
    overloaded: () => rateLimited(1_000),
    // A crowd's calls of one interval are one event.
    maxBatch: 500,
  });

  async function run(batch: Marking[]): Promise<Marked[]> {
    const all: Marked[] = [];
    for (const part of inParts(batch)) all.push(...(await runPart(part)));
    return all;
  }

  async function runPart(part: Marking[]): Promise<Marked[]> {
    onBatch(part.length);
    const marked = await store.mark(
      part.map(({ mark }) => mark),
      maxGapsAtOnce,
    );
    publish(part, marked);
    return marked;
  }

  /** One publication for each room, its ranges by the revisions they took. */
  function publish(batch: Marking[], marked: Marked[]): void {
    const rooms = new Map<string, { changes: Map<number, ReadRange[]>; readers: Map<string, UserRow> }>();
    marked.forEach(({ ranges }, index) => {
      const { mark, reader } = batch[index]!;
      for (const { revision, ...range } of ranges) {
        let room = rooms.get(mark.roomId);
        if (!room) rooms.set(mark.roomId, (room = { changes: new Map(), readers: new Map() }));
        const change = room.changes.get(revision);
        if (change) change.push(range);
        else room.changes.set(revision, [range]);
        room.readers.set(reader.id, reader);
      }
    });
    for (const [roomId, { changes, readers }] of rooms) {
      const events = [...changes].map(([revision, ranges]): ReceiptChange => ({
        type: "MessagesRead",
        revision,
        ranges,
      }));
      events.sort((a, b) => a.revision - b.revision);
      hub.publish({ roomId, changes: events, users: [...readers.values()], messages: [], room: null });
    }
  }

  /**
   * Marks exactly these messages, or all up to and including one. What was read before keeps its time, the reader's own
   * messages are passed over; deleted ones are marked like others. Where nothing is new nothing happens. Gives the room's id.
   * @throws Refusal INVALID (also: an id that is not in the room; nothing is marked then), NOT_FOUND (no such room, or
   *   not a member), RATE_LIMITED
   */
  async function markRead(reader: UserRow, input: MarkReadInput): Promise<string> {
    const { roomId } = input;
    const messageIds = input.messageIds ?? null;
    const upToId = input.upToId ?? null;
    if ((messageIds === null) === (upToId === null)) throw invalid("Give `messageIds` or `upToId`.", ["messageIds"]);
    if (messageIds && (messageIds.length < 1 || messageIds.length > maxIds))
      throw invalid(`\`messageIds\` are 1 to ${maxIds}.`, ["messageIds"]);
    if (!isId(roomId)) throw notFound("room", ["roomId"]);
    await pace.turn(roomId);
    const mark = {
      roomId,
      readerId: reader.id,
      messageIds: [...new Set(messageIds ?? [])].map(idOrNone),
      upToId: upToId === null ? null : idOrNone(upToId),
    };
    // Where there is much between what was read before it takes several steps, and others have their turn in between.
    let marked: Marked;
    do marked = await marks.add({ mark, reader });
    while (marked.isPart);
    const { outcome } = marked;
    if (outcome === "NO_ROOM") throw notFound("room", ["roomId"]);
    if (outcome === "NO_MESSAGE")
      throw invalid("No such message in this room.", [messageIds ? "messageIds" : "upToId"]);
    return roomId;
  }

  /** Resolves when all that was begun has ended. */
  const idle = () => marks.idle();
  return { markRead, idle };
}

function* inParts(batch: Marking[]): Generator<Marking[]> {
  let part: Marking[] = [];
  let ids = 0;
  for (const marking of batch) {
    const { length } = marking.mark.messageIds;
    if (part.length > 0 && ids + length > maxIdsAtOnce) {
      yield part;
      part = [];
      ids = 0;
    }
    part.push(marking);
    ids += length;
  }
  if (part.length > 0) yield part;
}

/** Stands for ids that cannot be a message's, so that these cost and answer the same. */
const NO_MESSAGE_ID = "00000000-0000-0000-0000-000000000000";
const idOrNone = (id: string) => (isId(id) ? id : NO_MESSAGE_ID);
