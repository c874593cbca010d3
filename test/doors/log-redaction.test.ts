import { expect, test } from "vitest";
import { tokenOf } from "../support/app.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { startServerProcess } from "../support/server-process.ts";
import { openSql } from "../support/sql.ts";
import { TestUser } from "../support/user.ts";

const sendMessage = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } userErrors { code } } }`;
type Failure = { extensions: { code: string; reference: string }; message: string };

test("whatever goes wrong, no token, variable or content is in the log, and every masked error is there by its reference", async () => {
  await using database = await createTestDatabase();
  await using server = await startServerProcess({ databaseUrl: database.url, env: { LOG_LEVEL: "trace" } });
  await using sql = await openSql(database.url);
  const alice = await TestUser.open(server, "alice", { name: "Secret-Name" });
  const roomId = await alice.createRoom("Secret-Room");
  await using socket = await RawSocket.open(server.url, alice.token);
  await alice.send(roomId, "Secret-Content");
  const badToken = `${await tokenOf("secret-user")}Secret`;
  await new TestUser({ id: "x", url: server.url, token: badToken }).ask("{ viewer { id } }");
  await fetch(`${server.url}/graphql?query={viewer{id}}&token=Secret-Query`);
  await alice.ask(`query Secret($secret: String!) { users(search: $secret) { nodes } }`, { secret: "Secret-Variable" });
  socket.send({ type: "connection_init", payload: { authorization: `Bearer ${badToken}` } });
  await socket.until(() => socket.closeCode !== undefined);

  // The database refuses what it is given, and says so with the values in it.
  await sql.rows(`alter table messages add constraint no_secret check (content not like '%Fault%')`);
  const input = { roomId, content: "Secret-Fault", clientMessageId: "Secret-Client-Id" };
  const overHttp = (await alice.ask(sendMessage, { input })).errors as unknown as Failure[];
  await using second = await RawSocket.open(server.url, alice.token);
  second.subscribe("1", sendMessage, { input });
  await second.until(() => second.messages.some(({ id, type }) => id === "1" && type !== "complete"));
  const message = second.messages.find(({ id }) => id === "1")!;
  const payload = message.payload as Failure[] | { errors: Failure[] };
  const overSocket = Array.isArray(payload) ? payload : payload.errors;
  await server.stop();

  const log = server.log.join("\n");
  for (const [error] of [overHttp, overSocket]) {
    expect(error).toMatchObject({ message: "Something went wrong on the server.", extensions: { code: "INTERNAL" } });
    expect(log).toContain(error!.extensions.reference);
  }
  expect(log).toContain("no_secret");
  expect(log).not.toMatch(/secret-(content|fault|client-id|variable|query|name|room|user)/i);
  for (const token of [alice.token, badToken]) for (const part of token.split(".")) expect(log).not.toContain(part);
});
