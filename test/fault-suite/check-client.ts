import type { Finding, FindingKind } from "./checker.ts";
import { advance, newestOf, roomOf } from "./record.ts";
import type { ClientRecord, SeenEvent, SeenMessage, Stay, StoredFacts, StoredMessage } from "./record.ts";

/** Whether a client was given what it should have, once, in order, and nothing else. */
export function checkClient(record: ClientRecord, facts: StoredFacts): Finding[] {
  const stays = facts.stays.filter(({ userId }) => userId === record.userId);
  const findings = [
    ...checkStreams(record),
    ...checkTold(record),
    ...checkComplete(record, { stays, messages: facts.messages }),
    ...checkLeaks(record, stays),
    ...checkContents(record, facts.messages),
  ];
  return findings.map(([kind, what]) => ({ kind, userId: record.userId, what }));
}

type Fault = [kind: FindingKind, what: string];

/** In each subscription cursors strictly advance, and each event follows the one that it names. */
function checkStreams({ streams, arrivals }: ClientRecord): Fault[] {
  const faults: Fault[] = [];
  const places = new Map([...streams].map(([stream, after]) => [stream, new Place(after)]));
  for (const arrival of arrivals) {
    const place = places.get(arrival.stream);
    if (!place) throw new Error(`Nothing is known of the stream ${arrival.stream}.`);
    if ("caughtUp" in arrival) for (const cursor of arrival.caughtUp) advance(place.newest, cursor);
    else faults.push(...place.step(arrival.event, `in ${arrival.stream}`));
  }
  return faults;
}

function checkTold({ held, told }: ClientRecord): Fault[] {
  const place = new Place(held);
  return told.flatMap((event) => place.step({ ...event, previousCursor: null }, "to the app"));
}

/** How far one stream of events has come. */
class Place {
  readonly newest: Map<string, string>;
  readonly #start: ReadonlyMap<string, string>;
  readonly #seen = new Set<string>();

  constructor(start: Iterable<string>) {
    this.newest = newestOf(start);
    this.#start = new Map(this.newest);
  }

  step({ type, cursor, previousCursor }: SeenEvent, where: string): Fault[] {
    const roomId = roomOf(cursor);
    const before = this.newest.get(roomId);
    const isRepeated = this.#seen.has(cursor) || cursor <= (this.#start.get(roomId) ?? "");
    advance(this.newest, cursor);
    this.#seen.add(cursor);
    const what = `${type} ${cursor} came ${where} after ${before}`;
    if (isRepeated) return [["doubled", what]];
    if (before === undefined) return [];
    if (cursor <= before) return [["out of order", what]];
    if (previousCursor !== null && previousCursor > before) return [["lost", `${what}, without ${previousCursor}`]];
    return [];
  }
}

type OwnFacts = { stays: readonly Stay[]; messages: readonly StoredMessage[] };

/** Everything that was sent while the user was a member was told, and the removal. */
function checkComplete(record: ClientRecord, { stays, messages }: OwnFacts): Fault[] {
  const held = newestOf(record.held);
  const told = new Set(record.told.map(({ type, cursor }) => `${type} ${cursor}`));
  const faults: Fault[] = [];
  for (const [roomId, ofRoom] of Map.groupBy(stays, (stay) => stay.roomId)) {
    const since = held.get(roomId) ?? "";
    /** Whether the client has a cursor of the room when it hears of the next stay. */
    let hasCursor = false;
    for (const { joined, left } of ofRoom.toSorted((a, b) => (a.joined < b.joined ? -1 : 1))) {
      if (left !== null && left <= since) continue;
      // One who came and went while the client was away, of a room that it held no cursor of, has nothing to come.
      const isDue: boolean = joined <= since || left === null || hasCursor || told.has(`MemberJoined ${joined}`);
      hasCursor = isDue && left !== null && !told.has(`MemberLeft ${left}`);
      if (!isDue) continue;
      const from = joined > since ? joined : since;
      const isIn = ({ position }: StoredMessage) => position > from && (left === null || position < left);
      for (const { position } of messages.filter((message) => message.roomId === roomId && isIn(message)))
        if (!told.has(`MessageSent ${position}`)) faults.push(["lost", `${position} was not told`]);
    }
    if (hasCursor) faults.push(["lost", `the removal from ${roomId} was not told`]);
  }
  return faults;
}

/** Nothing of a room comes to one who is not a member at the time, but what was before the removal. */
function checkLeaks({ arrivals }: ClientRecord, stays: readonly Stay[]): Fault[] {
  return arrivals.flatMap((arrival): Fault[] => {
    if ("caughtUp" in arrival) return [];
    const { type, cursor, message } = arrival.event;
    const newest = message && message.version > cursor ? message.version : cursor;
    const mayHave = (stay: Stay) =>
      stay.roomId === roomOf(cursor) && stay.joinedAtMs <= arrival.atMs && (stay.left === null || newest <= stay.left);
    return stays.some(mayHave) ? [] : [["leaked", `${type} ${newest} came in ${arrival.stream}`]];
  });
}

/** Messages are told as they are stored. */
function checkContents({ arrivals, told }: ClientRecord, messages: readonly StoredMessage[]): Fault[] {
  const stored = new Map(messages.map((message) => [message.position, message]));
  const seen = [...told, ...arrivals.flatMap((arrival) => ("event" in arrival ? [arrival.event] : []))];
  return seen.flatMap(({ message }): Fault[] => {
    if (!message || isStored(message, stored.get(message.position))) return [];
    return [["altered", `${JSON.stringify(message)} is stored as ${JSON.stringify(stored.get(message.position))}`]];
  });
}

/** A message that was changed since then says something else. */
function isStored(message: SeenMessage, stored: StoredMessage | undefined): boolean {
  if (!stored || stored.id !== message.id || stored.clientMessageId !== message.clientMessageId) return false;
  if (stored.senderId !== message.senderId) return false;
  return stored.version !== message.version || stored.content === message.content;
}
