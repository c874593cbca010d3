import { randomUUID } from "node:crypto";
import { getNamedType, isInputObjectType, type GraphQLInputType } from "graphql";
import { afterAll, beforeAll, expect, test } from "vitest";
import { schema } from "../../src/schema.ts";
import { startTestApp, type TestApp } from "../support/app.ts";
import { watchStatements, type Statements } from "../support/statements.ts";
import { TestUser } from "../support/user.ts";

/** A room and a message in it, which are there or not; `own` is a room of the outsider's. */
type Ids = { room: string; message: string; own: string };
type Case = (ids: Ids) => string;

const cursorOf = (room: string) => `${room}.0000000000000001`;
const errors = "userErrors { __typename code message path }";
const mutation = (name: string, input: string) => `mutation { ${name}(input: ${input}) { ${errors} } }`;

/** By what takes the id: `type.field.argument`, and of an input its field. */
const cases: Record<string, Case> = {
  "Query.room.id": ({ room }) => `{ room(id: "${room}") { id name } }`,
  "Query.sync.after": ({ room }) => `{ sync(after: ["${cursorOf(room)}"]) { events { __typename } cursors hasMore } }`,
  "Mutation.updateRoom.roomId": ({ room }) => mutation("updateRoom", `{ roomId: "${room}", name: "Mine" }`),
  "Mutation.addMember.roomId": ({ room }) => mutation("addMember", `{ roomId: "${room}", userId: "outsider" }`),
  "Mutation.removeMember.roomId": ({ room }) => mutation("removeMember", `{ roomId: "${room}", userId: "owner" }`),
  "Mutation.updateMember.roomId": ({ room }) =>
    mutation("updateMember", `{ roomId: "${room}", userId: "owner", role: MEMBER }`),
  "Mutation.sendMessage.roomId": ({ room }) => mutation("sendMessage", `{ roomId: "${room}", content: "x" }`),
  "Mutation.sendMessage.replyToId": ({ own, message }) =>
    mutation("sendMessage", `{ roomId: "${own}", content: "x", replyToId: "${message}" }`),
  "Mutation.editMessage.roomId": ({ room, message }) =>
    mutation("editMessage", `{ roomId: "${room}", messageId: "${message}", content: "x" }`),
  "Mutation.editMessage.messageId": ({ own, message }) =>
    mutation("editMessage", `{ roomId: "${own}", messageId: "${message}", content: "x" }`),
  "Mutation.deleteMessage.roomId": ({ room, message }) =>
    mutation("deleteMessage", `{ roomId: "${room}", messageId: "${message}" }`),
  "Mutation.deleteMessage.messageId": ({ own, message }) =>
    mutation("deleteMessage", `{ roomId: "${own}", messageId: "${message}" }`),
  "Mutation.markRead.roomId": ({ room, message }) =>
    mutation("markRead", `{ roomId: "${room}", upToId: "${message}" }`),
  "Mutation.markRead.upToId": ({ own, message }) => mutation("markRead", `{ roomId: "${own}", upToId: "${message}" }`),
  "Mutation.markRead.messageIds": ({ own, message }) =>
    mutation("markRead", `{ roomId: "${own}", messageIds: ["${message}"] }`),
  "Mutation.setTyping.roomId": ({ room }) => mutation("setTyping", `{ roomId: "${room}", isTyping: true }`),
  "Mutation.setPresence.currentRoomId": ({ room }) => mutation("setPresence", `{ currentRoomId: "${room}" }`),
  "Subscription.roomEvents.roomId": ({ room }) => `subscription { roomEvents(roomId: "${room}") { __typename } }`,
  "Subscription.roomEvents.after": ({ room }) =>
    `subscription { roomEvents(roomId: "${room}", after: "${cursorOf(room)}") { __typename } }`,
  "Subscription.inbox.after": ({ room }) =>
    `subscription { inbox(after: ["${cursorOf(room)}"]) { ... on CaughtUp { cursors } } }`,
  "Subscription.presence.roomId": ({ room }) => `subscription { presence(roomId: "${room}") { id } }`,
  "Subscription.typing.roomId": ({ room }) => `subscription { typing(roomId: "${room}") { room { id } } }`,
};

let app: TestApp;
let statements: Statements;
let owner: TestUser;
let outsider: TestUser;
let own: string;

beforeAll(async () => {
  app = await startTestApp({ hub: { compareIntervalMs: 600_000 } });
  [owner, outsider] = await Promise.all([TestUser.open(app, "owner"), TestUser.open(app, "outsider")]);
  own = await outsider.createRoom("Own");
  statements = watchStatements(app.databaseUrl);
});
afterAll(async () => {
  statements[Symbol.dispose]();
  await outsider[Symbol.asyncDispose]();
  await app.close();
});

/** The first that comes of it over the WebSocket, whatever it is, and the statements that it took. */
async function answerTo(operation: string): Promise<{ answer: unknown; sent: string[] }> {
  let answer: unknown;
  const sent = await statements.during(async () => {
    await using received = outsider.watch(operation);
    await received.until(() => received.all.length > 0 || received.ended, 10_000, true);
    answer = received.all[0] ?? received.errors ?? "completed";
  });
  // Of the node itself, and of who signs in again.
  const anyway = new Set(["save-last-seen", "save-profile"]);
  return { answer, sent: sent.filter((name) => !anyway.has(name)).sort() };
}

/** As it would be with any other ids. */
function withoutIds(answer: unknown, { room, message }: Ids): unknown {
  return JSON.parse(JSON.stringify(answer).replaceAll(room, "ROOM").replaceAll(message, "MESSAGE"));
}

test("every argument that takes the id or a cursor of a room or message has a case here", () => {
  const isOfRoom = (name: string, type: GraphQLInputType) =>
    /^(room|message|reply|upTo|currentRoom)\w*Ids?$/.test(name) || getNamedType(type).name === "Cursor";
  const found: string[] = [];
  for (const root of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
    for (const field of Object.values(root!.getFields())) {
      const isRoom = (name: string) => name === "id" && ["Room", "Message"].includes(getNamedType(field.type).name);
      for (const { name, type } of field.args) {
        const input = getNamedType(type);
        const taken = isInputObjectType(input) ? Object.values(input.getFields()) : [{ name, type }];
        const ofRoom = taken.filter((each) => isOfRoom(each.name, each.type) || isRoom(each.name));
        found.push(...ofRoom.map((each) => `${root!.name}.${field.name}.${each.name}`));
      }
    }
  }
  expect(found.sort()).toEqual(Object.keys(cases).sort());
});

test.each(Object.entries(cases))(
  "%s: not for the viewer and no such thing are told alike",
  async (_name, operationOf) => {
    const there = async (): Promise<Ids> => {
      const room = await owner.createRoom("Secret");
      return { room, message: (await owner.send(room, "secret")).id, own };
    };
    const nowhere = (): Ids => ({ room: randomUUID(), message: randomUUID(), own });
    // The first of its kind may have to prepare something.
    await answerTo(operationOf(nowhere()));
    const real = await there();
    const none = nowhere();
    const refused = await answerTo(operationOf(real));
    const missed = await answerTo(operationOf(none));
    expect(withoutIds(refused.answer, real)).toEqual(withoutIds(missed.answer, none));
    expect(refused.sent).toEqual(missed.sent);
    expect(JSON.stringify(refused.answer)).not.toMatch(/secret/i);
  },
);
