import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { EventReader } from "../doors/events.ts";
import { WireSocket } from "../doors/wire.ts";
import { TestBus } from "../guarantees/test-bus.ts";
import { startTestApp, tokenOf, type TestApp } from "../support/app.ts";
import { isCaughtUp } from "../support/items.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { openPostgresProxy, type PostgresProxy } from "../support/postgres-proxy.ts";
import { until } from "../support/until.ts";
import { TestUser, type Answer, type Item, type Received } from "../support/user.ts";

const answerWithinMs = 5_000;

let database: TestDatabase;
let proxy: PostgresProxy;
let bus: TestBus;
/** Its way to the database leads through the proxy; the other's does not. */
let app: TestApp;
let other: TestApp;
let alice: TestUser;
let bob: TestUser;
let roomId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  proxy = await openPostgresProxy(database.url);
  bus = new TestBus();
  app = await startTestApp({ databaseUrl: proxy.url, bus: bus.open(), env: { NODE_ID: "app" } });
  other = await startTestApp({ databaseUrl: database.url, bus: bus.open(), env: { NODE_ID: "other" } });
  alice = await TestUser.open(app, "alice");
  bob = await TestUser.open(other, "bob");
  roomId = await alice.createRoom("Tea", ["bob"]);
});

afterEach(async () => {
  proxy.speak();
  await until("the database is back", isReady);
});

afterAll(async () => {
  await bob[Symbol.asyncDispose]();
  await alice[Symbol.asyncDispose]();
  await other.close();
  await app.close();
  await proxy[Symbol.asyncDispose]();
  await database.close();
});

const isReady = async () => (await fetch(`${app.url}/readyz`)).ok;
/** It has given up waiting for answers: what needs the database fails without a try. */
const isKnown = async () => {
  const beganAtMs = performance.now();
  const { errors } = await alice.ask(`{ rooms { edges { node { id } } } }`);
  return errors !== undefined && performance.now() - beganAtMs < 1_000;
};
const codeOf = ({ errors }: Answer<unknown>) => errors?.[0]?.extensions?.code;

async function inTime<Result>(what: () => Promise<Result>): Promise<Result> {
  const beganAtMs = performance.now();
  const result = await what();
  expect(performance.now() - beganAtMs).toBeLessThan(answerWithinMs);
  return result;
}

const sendText = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } userErrors { code } } }`;
const sending = (content: string) => ({ input: { roomId, content } });
const feedText = `subscription ($roomId: ID!) { roomEvents(roomId: $roomId) { __typename } }`;

/** One of each kind, over each door. */
async function askEverything(socket: WireSocket): Promise<unknown[]> {
  const ask = (id: string, query: string, variables?: object) => async () => {
    const answer = socket.until(id);
    socket.subscribe(id, query, variables as Record<string, unknown>);
    const { payload } = await answer;
    const errors = Array.isArray(payload) ? payload : (payload as Answer<unknown>).errors;
    return codeOf({ errors });
  };
  const over = {
    http: [
      async () => codeOf(await alice.ask(`{ rooms { edges { node { id } } } }`)),
      async () => codeOf(await alice.ask(sendText, sending("over HTTP"))),
      async () => codeOf(await alice.ask(`mutation { createRoom(input: { name: "a" }) { room { id } } }`)),
      async () => {
        const stranger = await tokenOf(`stranger ${Math.random()}`);
        return codeOf(await new TestUser({ id: "", url: app.url, token: stranger }).ask(`{ viewer { id } }`));
      },
      async () => {
        const { token } = alice;
        await using events = await EventReader.open(app, { token, query: feedText, variables: { roomId } });
        return codeOf((await events.next()).data as Answer<unknown>);
      },
    ],
    socket: [
      ask("query", `{ rooms { edges { node { id } } } }`),
      ask("send", sendText, sending("over a socket")),
      ask("create", `mutation { createRoom(input: { name: "a" }) { room { id } } }`),
      // Each waits for the one before it.
      ask("sends", `mutation ($input: SendMessageInput!) { ${aliases(20)} }`, sending("many")),
      ask("feed", feedText, { roomId }),
      ask("inbox", `subscription { inbox { __typename } }`),
      ask("typing", `subscription ($roomId: ID!) { typing(roomId: $roomId) { users { id } } }`, { roomId }),
    ],
  };
  return Promise.all([...over.http, ...over.socket].map((one) => inTime(one)));
}

const aliases = (count: number) =>
  Array.from({ length: count }, (_, i) => `a${i}: sendMessage(input: $input) { message { id } }`).join(" ");

describe("a database that says nothing any more", () => {
  test("gives errors within 5 s by every door, also to those who ask while others wait, then at once", async () => {
    await using socket = await WireSocket.begin(app, "alice");
    proxy.silence();
    const first = askEverything(socket);
    await using later = await WireSocket.begin(app, "alice");
    const second = askEverything(later);
    const codes = [...(await first), ...(await second)];
    expect(new Set(codes)).toEqual(new Set(["INTERNAL"]));
    expect(await isReady()).toBe(false);

    await using last = await WireSocket.begin(app, "alice");
    const beganAtMs = performance.now();
    await askEverything(last);
    expect(performance.now() - beganAtMs).toBeLessThan(1_000);
  });

  test("closes the socket of a client that comes in for the first time with a code to try again on", async () => {
    proxy.silence();
    await using socket = await WireSocket.open(app);
    socket.send({ type: "connection_init", payload: { authorization: `Bearer ${await tokenOf("newcomer")}` } });
    expect((await inTime(() => socket.closed)).code).toBe(1013);
  });

  test.each([
    { forgets: false, title: "which go on where they stopped" },
    { forgets: true, title: "which were forgotten on the way" },
  ])("is served again within 2 s once it speaks, over connections $title", async ({ forgets }) => {
    // As many connections as there may be.
    await Promise.all(Array.from({ length: 60 }, () => alice.ask(`{ rooms { edges { node { id } } } }`)));
    proxy.silence();
    await Promise.all(Array.from({ length: 60 }, () => alice.ask(`{ rooms { edges { node { id } } } }`)));
    proxy.speak({ forgets });
    await until("it serves", isReady, 2_000);
    const answers = await Promise.all(
      Array.from({ length: 60 }, () => inTime(() => alice.ask(`{ rooms { edges { node { id } } } }`))),
    );
    expect(answers.filter(({ errors }) => errors)).toEqual([]);
  });
});

describe("subscriptions that are open while the database says nothing", () => {
  /** Something in it has to be read for each event. */
  const reading = `subscription ($roomId: ID!, $after: Cursor) { roomEvents(roomId: $roomId, after: $after) {
    __typename ... on RoomEvent { cursor room { id memberCount lastMessage { id } } } ... on CaughtUp { cursors }
    ... on MessageSent { message { content readBy { edges { node { id } } } } } } }`;
  type Read = { roomEvents: Item & { message?: { content: string } } };
  const contentsOf = (items: readonly Item[]) => items.flatMap(({ message }) => message?.content ?? []);
  const readsOf = (feed: Received<Answer<Read>>) => {
    expect(feed.all.flatMap(({ errors }) => errors ?? [])).toEqual([]);
    return contentsOf(feed.all.map(({ data }) => data!.roomEvents));
  };

  test("guarantees 2 and 3: go on afterwards and miss nothing, whatever they were doing", async () => {
    const there = bob.at(other);
    const before = Array.from({ length: 250 }, (_, i) => `before ${i}`);
    for (const content of before) await there.send(roomId, content);
    await using room = alice.roomEvents(roomId);
    await using inbox = alice.inbox();
    await using reads = alice.watch<Read>(reading, { roomId });
    await using typing = alice.watch<{ typing: unknown }>(
      `subscription ($roomId: ID!) { typing(roomId: $roomId) { users { id } } }`,
      { roomId },
    );
    await using presence = alice.watch<{ presence: unknown }>(
      `subscription ($roomId: ID!) { presence(roomId: $roomId) { id status } }`,
      { roomId },
    );
    await Promise.all([room.find(isCaughtUp), inbox.find(isCaughtUp), reads.next(), typing.next(), presence.next()]);
    // From the beginning, so that it is still reading pages when the database falls silent.
    await using late = alice.roomEvents(roomId, { after: `${roomId}.0000000000000002` });
    await late.next();
    proxy.silence();

    const during = Array.from({ length: 20 }, (_, i) => `during ${i}`);
    for (const content of during) await there.send(roomId, content);
    const otherRoomId = await there.createRoom("Joined meanwhile", ["alice"]);
    await there.send(otherRoomId, "hello");
    // Until it is known that nothing answers.
    await until("the server knows", isKnown, 10_000);
    await there.send(roomId, "while it is known");
    proxy.speak({ forgets: true });
    await until("it serves", isReady, 3_000);
    await alice.send(roomId, "after");

    const live = [...during, "while it is known", "after"];
    await room.until(() => contentsOf(room.all).length >= live.length);
    expect(contentsOf(room.all)).toEqual(live);
    await inbox.until(() => contentsOf(inbox.all).length >= live.length + 1);
    expect(contentsOf(inbox.all.filter((item) => item.room?.id === roomId))).toEqual(live);
    expect(contentsOf(inbox.all.filter((item) => item.room?.id === otherRoomId))).toEqual(["hello"]);
    await reads.until(() => readsOf(reads).length >= live.length);
    expect(readsOf(reads)).toEqual(live);
    await late.until(() => contentsOf(late.all).length >= before.length + live.length);
    expect(contentsOf(late.all)).toEqual([...before, ...live]);
    for (const stream of [typing, presence]) expect(stream).toMatchObject({ ended: false, errors: undefined });
  }, 60_000);

  test("guarantee 5: one who is removed meanwhile gets what came before, then MemberLeft, then nothing", async () => {
    const there = bob.at(other);
    const ownId = await there.createRoom("Removal", ["alice"]);
    await using room = alice.roomEvents(ownId);
    await room.find(isCaughtUp);
    await using reads = alice.watch<Read>(reading, { roomId: ownId });
    await reads.next();
    proxy.silence();
    await there.send(ownId, "before");
    await there.mutate("removeMember", { roomId: ownId, userId: "alice" });
    await there.send(ownId, "after");
    await until("the server knows", isKnown, 10_000);
    proxy.speak({ forgets: true });
    await room.end();
    await reads.end();
    expect(room.all.slice(1).map(({ __typename }) => __typename)).toEqual(["MessageSent", "MemberLeft"]);
    expect(readsOf(reads)).toEqual(["before"]);
    expect(reads.all.at(-1)?.data?.roomEvents.__typename).toBe("MemberLeft");
  }, 60_000);
});
