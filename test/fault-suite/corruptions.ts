import type { CleanRecords } from "./clean-records.ts";
import type { FindingKind } from "./checker.ts";
import { roomOf } from "./record.ts";
import type { Arrival, ClientRecord, SeenEvent } from "./record.ts";

/** One thing goes wrong. */
export interface Corruption {
  readonly name: string;
  /** What the checker must say. */
  readonly kind: FindingKind;
  /** Changes the records; gives the user about whom something is to be said, undefined where there is nothing to corrupt. */
  readonly apply: (records: CleanRecords, pick: Pick) => string | undefined;
}

export type Pick = <T>(values: readonly T[]) => T | undefined;

type Event = { record: ClientRecord; event: SeenEvent };

const toldTo = (world: CleanRecords): Event[] =>
  world.records.flatMap((record) => record.told.map((event) => ({ record, event })));
const messagesTold = (world: CleanRecords) => toldTo(world).filter(({ event }) => event.type === "MessageSent");
const arrivalOf = ({ record, event }: Event) =>
  record.arrivals.findIndex((arrival) => "event" in arrival && arrival.event.cursor === event.cursor);

/** Of a message that was sent while its reader was a member. */
function isDue(world: CleanRecords, { record, event }: Event): boolean {
  return world.stays.some(
    ({ userId, roomId, joined, left }) =>
      userId === record.userId &&
      roomId === roomOf(event.cursor) &&
      joined < event.cursor &&
      (left === null || event.cursor < left),
  );
}

export const corruptions: Corruption[] = [
  {
    name: "a message that one member is never told",
    kind: "lost",
    apply(world, pick) {
      const lost = pick(messagesTold(world).filter((told) => isDue(world, told)));
      if (!lost) return undefined;
      lost.record.told.splice(lost.record.told.indexOf(lost.event), 1);
      lost.record.arrivals.splice(arrivalOf(lost), 1);
      return lost.record.userId;
    },
  },
  {
    name: "an event that is left out of a subscription, though its client finds that out",
    kind: "lost",
    apply(world, pick) {
      const all = toldTo(world).filter(({ record, event }) => {
        const next = record.arrivals.filter(follows(event)).at(0);
        const own = record.arrivals[arrivalOf({ record, event })]!;
        return next?.stream === own.stream && "event" in next && next.event.previousCursor === event.cursor;
      });
      // Nothing is known of a room before its first event.
      const lost = pick(all.filter(({ event }) => event.previousCursor !== null));
      lost?.record.arrivals.splice(arrivalOf(lost), 1);
      return lost?.record.userId;
    },
  },
  {
    name: "an acknowledged message that is not stored",
    kind: "lost",
    apply(world, pick) {
      const message = pick(world.messages);
      if (message) world.messages.splice(world.messages.indexOf(message), 1);
      return message?.senderId;
    },
  },
  {
    name: "a removal that the removed one is not told",
    kind: "lost",
    apply(world, pick) {
      const isLast = ({ record, event }: Event) =>
        world.stays.some(({ userId, left }) => userId === record.userId && left === event.cursor) &&
        !world.stays.some(
          ({ userId, joined, roomId }) =>
            userId === record.userId && roomId === roomOf(event.cursor) && joined > event.cursor,
        );
      const lost = pick(toldTo(world).filter((told) => told.event.type === "MemberLeft" && isLast(told)));
      if (!lost) return undefined;
      lost.record.told.splice(lost.record.told.indexOf(lost.event), 1);
      lost.record.arrivals.splice(arrivalOf(lost), 1);
      return lost.record.userId;
    },
  },
  {
    name: "a send of a member that is refused",
    kind: "lost",
    apply(world, pick) {
      const record = pick(world.records.filter(({ userId }) => userId === "ann"));
      record?.refused.push({ roomId: "red", clientMessageId: "refused", code: "NOT_FOUND" });
      return record?.userId;
    },
  },
  {
    name: "an event that comes twice in a subscription",
    kind: "doubled",
    apply(world, pick) {
      const twice = pick(toldTo(world));
      const index = twice && arrivalOf(twice);
      if (index !== undefined) twice!.record.arrivals.splice(index + 1, 0, twice!.record.arrivals[index]!);
      return twice?.record.userId;
    },
  },
  {
    name: "an event that comes once more, later",
    kind: "doubled",
    apply(world, pick) {
      const twice = pick(toldTo(world));
      if (!twice) return undefined;
      const { arrivals } = twice.record;
      arrivals.push({ ...arrivals[arrivalOf(twice)]!, stream: arrivals.at(-1)!.stream });
      twice.record.told.push(twice.event);
      return twice.record.userId;
    },
  },
  {
    name: "a message that is stored twice",
    kind: "doubled",
    apply(world, pick) {
      const message = pick(world.messages);
      if (message) world.messages.push({ ...message, id: "another", position: `${message.position}9` });
      return message?.senderId;
    },
  },
  {
    name: "two events that change places in a subscription",
    kind: "out of order",
    apply(world, pick) {
      const early = pick(toldTo(world).filter(({ record, event }) => nextInStream(record, event) !== -1));
      if (!early) return undefined;
      const { arrivals, userId } = early.record;
      swap(arrivals, arrivalOf(early), nextInStream(early.record, early.event));
      return userId;
    },
  },
  {
    name: "two events that the app is told in the wrong order",
    kind: "out of order",
    apply(world, pick) {
      const nextTold = ({ record: { told }, event }: Event) =>
        told.findIndex(({ cursor }) => roomOf(cursor) === roomOf(event.cursor) && cursor > event.cursor);
      const early = pick(toldTo(world).filter((told) => nextTold(told) !== -1));
      if (early) swap(early.record.told, early.record.told.indexOf(early.event), nextTold(early));
      return early?.record.userId;
    },
  },
  {
    name: "two messages that are stored in another order than they were written",
    kind: "out of order",
    apply(world, pick) {
      const pairs = world.records.flatMap((record) =>
        record.acknowledged.flatMap((sent, index) => {
          const later = record.acknowledged.findIndex(({ roomId }, at) => at > index && roomId === sent.roomId);
          return later === -1 ? [] : [{ record, index, later }];
        }),
      );
      const pair = pick(pairs);
      if (pair) swap(pair.record.acknowledged, pair.index, pair.later);
      return pair?.record.userId;
    },
  },
  {
    name: "an event that comes to one who was removed before",
    kind: "leaked",
    apply(world, pick) {
      const seen = world.records.find(({ userId }) => userId === "ann")!.arrivals;
      const isOut = (userId: string, arrival: Arrival) =>
        "event" in arrival &&
        !world.stays.some(
          (stay) =>
            stay.userId === userId &&
            stay.roomId === roomOf(arrival.event.cursor) &&
            stay.joinedAtMs <= arrival.atMs &&
            (stay.left === null || stay.left >= arrival.event.cursor),
        );
      const leaks = world.records.flatMap((record) =>
        seen.filter((arrival) => isOut(record.userId, arrival)).map((arrival) => ({ record, arrival })),
      );
      const leak = pick(leaks);
      leak?.record.arrivals.push({ ...leak.arrival, stream: [...leak.record.streams.keys()].at(-1)! });
      return leak?.record.userId;
    },
  },
  {
    name: "a message from before a removal in the state that it got after it",
    kind: "leaked",
    apply(world, pick) {
      const removed = world.stays.filter(
        (stay) =>
          stay.left !== null &&
          world.stays.every(({ userId, joined }) => userId !== stay.userId || joined <= stay.joined),
      );
      const leaks = removed.flatMap((stay) =>
        messagesTold(world).filter(
          ({ record, event }) =>
            record.userId === stay.userId && roomOf(event.cursor) === stay.roomId && event.cursor < stay.left!,
        ),
      );
      const leak = pick(leaks);
      if (!leak) return undefined;
      const version = `${roomOf(leak.event.cursor)}.9999999999999999`;
      leak.event.message = { ...leak.event.message!, version };
      return leak.record.userId;
    },
  },
  {
    name: "a message that says something else than what was stored",
    kind: "altered",
    apply(world, pick) {
      const told = pick(messagesTold(world));
      if (told) told.event.message = { ...told.event.message!, content: "something else" };
      return told?.record.userId;
    },
  },
];

/** Of the same room, after it. */
const follows = (event: SeenEvent) => (arrival: Arrival) =>
  "event" in arrival && roomOf(arrival.event.cursor) === roomOf(event.cursor) && arrival.event.cursor > event.cursor;

function nextInStream(record: ClientRecord, event: SeenEvent): number {
  const own = arrivalOf({ record, event });
  return record.arrivals.findIndex(
    (arrival, index) => index > own && arrival.stream === record.arrivals[own]!.stream && follows(event)(arrival),
  );
}

function swap(values: unknown[], a: number, b: number): void {
  [values[a], values[b]] = [values[b]!, values[a]!];
}
