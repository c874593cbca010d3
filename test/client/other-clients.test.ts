import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tokenOf } from "../support/app.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";
import { openApolloClient } from "./others/apollo.ts";
import type { FeedItem, OtherClient, OtherClientOptions } from "./others/other-client.ts";
import { openPlainClient } from "./others/plain-graphql-ws.ts";
import { openUrqlClient } from "./others/urql.ts";
import { Wire } from "./wire.ts";

let database: TestDatabase;
let server: ServerProcess;
let alice: TestUser;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServerProcess({ databaseUrl: database.url });
  alice = await TestUser.open(server, "alice");
  await TestUser.open(server, "bob");
});

afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
  await database.close();
});

const contentsOf = (items: FeedItem[]) =>
  items.flatMap((item) => ("message" in item && item.message.content !== null ? [item.message.content] : []));
const clients: [string, (options: OtherClientOptions) => OtherClient][] = [
  ["graphql-ws", openPlainClient],
  ["Apollo Client", openApolloClient],
  ["urql", openUrqlClient],
];

describe.each(clients)("%s", (_name, open) => {
  test(
    "gets everything once and in order, and resumes from the newest cursor, whatever breaks",
    { timeout: 120_000 },
    async () => {
      const roomId = await alice.createRoom("Others", ["bob"]);
      const wire = new Wire();
      const bob = open({ url: server.url, getToken: () => tokenOf("bob"), webSocketImpl: wire.WebSocket });
      try {
        const items: FeedItem[] = [];
        bob.watch(roomId, (item) => items.push(item));
        await until("caught up", () => items.length === 1);
        let newest = "";
        const send = async (content: string) => {
          newest = (await alice.send(roomId, content)).position;
        };
        await send("1");
        const { sendMessage } = await bob.send({ roomId, content: "2", clientMessageId: "two" });
        expect(sendMessage.message).toMatchObject({ content: "2", sender: { id: "bob" } });
        await send("3");
        await until("live", () => contentsOf(items).length === 3);
        // The network breaks, and while nobody is connected there are more.
        const before = newest;
        wire.cut();
        await send("4");
        await send("5");
        await until("resumed", () => contentsOf(items).length === 5);
        expect(wire.afterOf("roomEvents").at(-1)! >= before).toBe(true);
        // The server dies, and comes back.
        const last = newest;
        await server.kill();
        await server.start();
        await send("6");
        await send("7");
        await until("resumed", () => contentsOf(items).length >= 7);
        expect(contentsOf(items)).toEqual(["1", "2", "3", "4", "5", "6", "7"]);
        expect(wire.afterOf("roomEvents").at(-1)! >= last).toBe(true);
        const cursors = items.flatMap((item) => ("cursor" in item ? [item.cursor] : []));
        expect(cursors).toEqual([...new Set(cursors)].toSorted((a, b) => (a < b ? -1 : 1)));
      } finally {
        bob.close();
      }
    },
  );
});
