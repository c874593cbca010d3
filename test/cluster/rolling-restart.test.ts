import { afterAll, beforeAll, expect, test } from "vitest";
import { startTopology, type Topology } from "../../scripts/cluster/topology.ts";
import { messageOf } from "../../src/client/room-event.ts";
import { TestClient } from "../client/support.ts";
import { testSecret } from "../support/app.ts";
import { passes, TestDevice, type Observed } from "../support/presence.ts";
import { openSql } from "../support/sql.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";

const userIds = ["ann", "ben", "cy", "dot", "eve", "fay", "gil", "hal"];
const sendEveryMs = 40;

let topology: Topology;

beforeAll(async () => {
  topology = await startTopology({ durable: false, env: () => ({ JWT_SECRET: testSecret, RATE_LIMITS: "off" }) });
});

afterAll(async () => topology?.close());

/** Writes all the time, until told to stop. */
function write(client: TestClient, roomId: string) {
  const room = client.client.rooms.get(roomId);
  const written: string[] = [];
  const stopped = new AbortController();
  const done = (async () => {
    while (!stopped.signal.aborted) {
      const { clientMessageId } = await room.send({ content: `${client.client.userId} ${written.length}` });
      written.push(clientMessageId);
      await passes(sendEveryMs);
    }
  })();
  const stop = () => {
    stopped.abort();
    return done;
  };
  return { written, stop };
}

async function restartOneByOne(): Promise<void> {
  for (const node of topology.nodes) {
    const beganMs = performance.now();
    expect(await node.stop()).toBe(0);
    expect(performance.now() - beganMs).toBeLessThan(15_000);
    await node.start();
  }
}

test("while all nodes are restarted one by one, no send fails, none is lost or doubled, and nobody is seen offline", async () => {
  const owner = await TestUser.open(topology, userIds[0]!);
  for (const id of userIds) await TestUser.open(topology, id);
  const roomId = await owner.createRoom("Everybody", userIds.slice(1));
  const watcher = await TestUser.open(topology, "watcher");
  await owner.mutate("addMember", { roomId, userId: "watcher" });
  const clients = userIds.map((id) => new TestClient(topology, id));
  await using resources = new AsyncDisposableStack();
  for (const client of clients) resources.use(client);
  await Promise.all(clients.map((client) => client.live()));
  // Of the stock kind: it comes back after 1012 by itself, and subscribes anew.
  const devices = await Promise.all(
    topology.nodes.map(({ id }) =>
      TestDevice.open(watcher.at({ url: `${topology.url}/nodes/${id}` }), {}, { retryAttempts: 1_000 }),
    ),
  );
  const seen: Observed[] = devices.map((device) => resources.use(resources.use(device).presence({ userIds })));
  for (const each of seen) await Promise.all(userIds.map((id) => each.sees(id, { status: "ONLINE" })));
  const told = seen.map(({ lists }) => lists.flat().length);

  const writers = clients.map((client) => write(client, roomId));
  await restartOneByOne();
  await Promise.all(writers.map(({ stop }) => stop()));

  const written = writers.flatMap((writer) => writer.written);
  await until("everybody has got everything", () => clients.every(({ contents }) => contents.length >= written.length));
  const unsent = clients.flatMap(({ client }) => client.queue.items.get()).filter(({ status }) => status !== "sent");
  expect(unsent).toEqual([]);
  const expected = await idsInOrder(roomId);
  expect([...expected].sort()).toEqual([...written].sort());
  for (const client of clients) {
    const got = client.events.flatMap((event) => messageOf(event)?.clientMessageId ?? []);
    expect(got).toEqual(expected);
  }
  for (const [index, each] of seen.entries()) {
    const offline = each.lists
      .flat()
      .slice(told[index])
      .filter(({ status }) => status !== "ONLINE");
    expect(offline).toEqual([]);
    expect(each.received.ended).toBe(false);
  }
});

/** As the database has them. */
async function idsInOrder(roomId: string): Promise<string[]> {
  await using sql = await openSql(topology.databaseUrl);
  const rows = await sql.rows<{ id: string }>(
    `SELECT client_message_id AS id FROM messages WHERE room_id = $1 ORDER BY position`,
    [roomId],
  );
  return rows.map(({ id }) => id);
}
