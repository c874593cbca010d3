import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { tokenOf } from "../support/app.ts";
import { inspect, inspectedEnv, type Inspector } from "../support/inspected-process.ts";
import { createTestDatabase, type TestDatabase } from "../support/postgres.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";
import { WireSocket } from "./wire.ts";

const mebibyte = 2 ** 20;
const handshakes = 20_000;
/** As many are open at a time. */
const batch = 500;

let database: TestDatabase;
let server: ServerProcess;
let inspector: Inspector;
let alice: TestUser;

beforeAll(async () => {
  database = await createTestDatabase();
  server = await startServerProcess({ databaseUrl: database.url, env: inspectedEnv });
  inspector = await inspect(server);
  alice = await TestUser.open(server, "alice");
});

afterAll(async () => {
  inspector[Symbol.dispose]();
  await server[Symbol.asyncDispose]();
  await database.close();
});

async function open(): Promise<Socket> {
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  return socket;
}

const upgrade = [
  "GET /graphql HTTP/1.1",
  "Host: 127.0.0.1",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Protocol: graphql-transport-ws",
].join("\r\n");

/** How far they come: nothing said, half a request, a whole one without a key, all but the end, and a socket that says nothing. */
const halves = ["", "GET /gra", upgrade.replace(/\r\nSec-WebSocket-Key.*/, "\r\n\r\n"), upgrade, `${upgrade}\r\n\r\n`];

test("20,000 handshakes that stay half open hinder nobody else, and leave nothing behind", async () => {
  await using socket = await WireSocket.begin(server, "alice");
  await socket.ask("warm", "{ viewer { id } }");
  await socket.next();
  const before = await inspector.memory();
  for (let begun = 0; begun < handshakes; begun += batch) {
    const sockets = await Promise.all(Array.from({ length: batch }, open));
    sockets.forEach((each, index) => each.write(halves[index % halves.length]!));
    expect((await socket.ask(String(begun), "{ viewer { id } }")).type).toBe("next");
    expect((await socket.next()).type).toBe("complete");
    for (const each of sockets) each.destroy();
  }
  await until("nothing of it is left", async () => {
    const { heapBytes, externalBytes } = await inspector.memory();
    return heapBytes + externalBytes - before.heapBytes - before.externalBytes < 8 * mebibyte;
  });
  await until("no socket is left but one", async () => {
    const metrics = await (await fetch(`${server.url}/metrics`)).text();
    return /^causerie_connections\{kind="websocket"\} 1$/m.test(metrics);
  });
}, 120_000);

test("a client that sends its request or its upgrade a byte at a time is cut off, however long it would go on", async () => {
  const slow = await Promise.all(Array.from({ length: 50 }, open));
  // Where a byte is on its way to a connection that is closed just now, it is reset: that is an end too.
  const gone = slow.map(
    (socket) =>
      new Promise((resolve) =>
        socket
          .on("error", () => {})
          .resume()
          .once("close", resolve),
      ),
  );
  const text = `${upgrade}\r\nX-Slow: ${"x".repeat(1_000)}`;
  let at = 0;
  const drip = setInterval(() => {
    for (const socket of slow) if (socket.writable) socket.write(text[at]!);
    at = (at + 1) % text.length;
  }, 250);
  try {
    expect((await alice.must<{ viewer: { id: string } }>("{ viewer { id } }")).viewer.id).toBe("alice");
    await Promise.all(gone);
  } finally {
    clearInterval(drip);
  }
}, 30_000);

test("a frame of 20 MB closes its socket with 1009 and is not kept; its head alone is enough", async () => {
  const before = await inspector.memory();
  for (let time = 0; time < 5; time++) {
    await using socket = await WireSocket.begin(server, "alice");
    socket.send("x".repeat(20_000_000));
    expect([1009, 1006]).toContain((await socket.closed).code);
  }
  const after = await inspector.memory();
  expect(after.heapBytes + after.externalBytes - before.heapBytes - before.externalBytes).toBeLessThan(4 * mebibyte);
});

test("a message of 20 MB in small parts is not kept until it is whole", async () => {
  await using socket = await WireSocket.begin(server, "alice");
  const part = "x".repeat(10_000);
  for (let sent = 0; sent < 2_000 && socket.socket.readyState === WebSocket.OPEN; sent++) {
    socket.socket.send(part, { fin: false });
    if (sent % 10 === 0) await new Promise(setImmediate);
  }
  expect([1009, 1006]).toContain((await socket.closed).code);
});

test("a body of 20 MB is refused with 413 and not read on, whether it says so or not", async () => {
  const token = await tokenOf("alice");
  const before = await inspector.memory();
  for (const header of ["Content-Length: 20000000", "Transfer-Encoding: chunked"]) {
    const socket = await open();
    const answer: string[] = [];
    socket.on("data", (data: Buffer) => answer.push(data.toString()));
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\n${header}\r\n\r\n`,
    );
    const chunk = "x".repeat(10_000);
    for (let sent = 0; sent < 2_000 && !socket.destroyed && answer.length === 0; sent++) {
      socket.write(header.startsWith("Transfer") ? `2710\r\n${chunk}\r\n` : chunk);
      if (sent % 10 === 0) await new Promise(setImmediate);
    }
    // One that is still sending may hear of the connection's end alone: that it is cut off while it sends.
    await until("it is answered or cut off", () => answer.length > 0 || socket.destroyed);
    expect(answer.join("")).toMatch(/^$|^HTTP\/1\.1 413 /);
    expect(socket.bytesWritten).toBeLessThan(20_000_000);
    socket.destroy();
  }
  const after = await inspector.memory();
  expect(after.heapBytes + after.externalBytes - before.heapBytes - before.externalBytes).toBeLessThan(4 * mebibyte);
});
