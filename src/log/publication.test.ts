import fc from "fast-check";
import { expect, test } from "vitest";
import { decodePublication, encodePublication, isEcho, type Publication } from "./publication.ts";

const roomId = "00000000-0000-4000-8000-00000000000a";
const otherId = "00000000-0000-4000-8000-00000000000b";

const message = {
  id: "00000000-0000-8000-8000-000000000001",
  roomId,
  position: 7,
  revision: 7,
  senderId: "ann",
  clientMessageId: "once",
  content: "héllo 🫖",
  hlc: "000000000001-0000-node",
  sentAt: 1,
  editedAt: null,
  deletedAt: null,
  replyToId: null,
};
const member = {
  roomId,
  userId: "ann",
  role: "OWNER" as const,
  revision: 8,
  joinedRevision: 8,
  joinedAt: 1,
  leftRevision: null,
  leftAt: null,
};
const publication: Publication = {
  roomId,
  changes: [
    { type: "MessageSent", revision: 7, message },
    { type: "MemberJoined", revision: 8, member },
    { type: "MessagesRead", revision: 9, ranges: [{ readerId: "ann", from: 1, through: 7, readAt: 1 }] },
    { type: "RoomUpdated", revision: 10 },
  ],
  users: [{ id: "ann", name: "Ann", avatarUrl: null }],
  messages: [{ ...message, position: 3, revision: 4, editedAt: 2, replyToId: message.id }],
  room: {
    id: roomId,
    kind: "GROUP",
    name: null,
    createdAt: 1,
    memberCount: 1,
    revision: 10,
    roomRevision: 10,
    memberRevision: 8,
  },
};

test("a publication arrives as it was", () => {
  const text = encodePublication("node", publication);
  expect(decodePublication(roomId, text)).toEqual(publication);
});

test("a node knows its own echo, and another's whose name begins like its own", () => {
  const text = encodePublication("node", publication);
  expect(isEcho("node", text)).toBe(true);
  expect(isEcho("nod", text)).toBe(false);
  expect(isEcho("node 2", text)).toBe(false);
});

/** Every place in the publication, as the keys that lead there. */
function placesIn(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([key, inner]) => placesIn(inner, [...path, key]))];
}

function changed(path: string[], to: unknown): unknown {
  const copy = structuredClone(publication) as unknown;
  const parent = path.slice(0, -1).reduce((at, key) => (at as Record<string, unknown>)[key], copy);
  (parent as Record<string, unknown>)[path.at(-1)!] = to;
  return copy;
}

/** What may be any text, any time, null or an empty list. */
const free =
  /(name|avatarUrl|content|clientMessageId|senderId|userId|readerId|role|kind|hlc|At|replyToId|leftRevision|room|ranges|users|messages|users\.0\.id)$/;

test("what is no publication of the room is passed over: a wrong type anywhere, another room, a hole in the revisions", () => {
  for (const path of placesIn(publication).slice(1)) {
    for (const wrong of [undefined, true, [], {}, -1, 1.5, Number.MAX_VALUE, "\0", null]) {
      const text = encodePublication("node", changed(path, wrong) as Publication);
      const decoded = decodePublication(roomId, text);
      if (decoded && !free.test(path.join(".")))
        expect.unreachable(`${path.join(".")} may be ${JSON.stringify(wrong)}`);
    }
  }
  for (const path of placesIn(publication).filter((place) => place.at(-1) === "roomId"))
    expect(decodePublication(roomId, encodePublication("node", changed(path, otherId) as Publication))).toBeNull();
  expect(
    decodePublication(roomId, encodePublication("node", changed(["room", "id"], otherId) as Publication)),
  ).toBeNull();
  expect(decodePublication(otherId, encodePublication("node", publication))).toBeNull();
});

test("no text from the bus makes decoding throw", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((json) => `node ${json}`),
      ),
      (text) => {
        expect(decodePublication(roomId, text)).toBeNull();
      },
    ),
  );
});
