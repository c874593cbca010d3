import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { until } from "./until.ts";

/** One end of a connection, and what has come to it. */
class End {
  text = "";
  isEnded = false;
  isClosed = false;
  readonly socket: Socket;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (data) => (this.text += data.toString()));
    socket.on("end", () => (this.isEnded = true));
    socket.on("error", () => undefined);
    socket.on("close", () => (this.isClosed = true));
  }
}

let resources: AsyncDisposableStack;
let proxy: TcpProxy;
let client: End;
let server: End;

beforeEach(async () => {
  resources = new AsyncDisposableStack();
  const listener = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  resources.defer(() => void listener.close());
  await once(listener, "listening");
  proxy = resources.use(await openTcpProxy({ host: "127.0.0.1", port: (listener.address() as AddressInfo).port }));
  const accepted = once(listener, "connection") as Promise<[Socket]>;
  client = new End(connect({ host: "127.0.0.1", port: proxy.port, allowHalfOpen: true }));
  server = new End((await accepted)[0]);
  resources.defer(() => [client, server].forEach(({ socket }) => socket.destroy()));
});
afterEach(() => resources.disposeAsync());

test("what either side writes reaches the other, and so does the end of its writing", async () => {
  client.socket.write("question");
  await until("the question", () => server.text === "question");
  client.socket.end();
  await until("its end", () => server.isEnded);
  server.socket.end("answer");
  await until("the answer and its end", () => client.text === "answer" && client.isEnded);
  await until("the link is gone", () => proxy.links === 0);
});

test("a cut breaks the connection on both sides", async () => {
  expect(proxy.links).toBe(1);
  proxy.cut();
  await until("both are closed", () => client.isClosed && server.isClosed);
  expect(proxy.links).toBe(0);
});

test("what is delayed comes so much later, in order, and nothing overtakes it when the delay ends", async () => {
  proxy.delayMs = 100;
  const beganMs = performance.now();
  for (const word of ["a", "b", "c"]) client.socket.write(word);
  // It is on its way through the proxy by then.
  await new Promise((resolve) => setTimeout(resolve, 50));
  proxy.delayMs = 0;
  client.socket.write("d");
  await until("all of it", () => server.text.length === 4);
  expect(server.text).toBe("abcd");
  // The timers' grain.
  expect(performance.now() - beganMs).toBeGreaterThanOrEqual(99);
});

test.each(["client", "server"] as const)(
  "half closed, only the %s is told of the end, and nothing goes through any longer",
  async (told) => {
    const [deaf, aware] = told === "client" ? [server, client] : [client, server];
    proxy.halfClose(told);
    await until("told", () => aware.isEnded);
    deaf.socket.write("lost");
    aware.socket.write("lost too");
    await expect(until("anything", () => deaf.text !== "" || aware.text !== "", 100)).rejects.toThrow("anything");
    expect(deaf.isEnded).toBe(false);
  },
);

test("a stalled network reads nothing, so that a writer has to wait, and loses nothing", async () => {
  proxy.isStalled = true;
  const chunk = "x".repeat(64 * 1024);
  let written = 0;
  // More than the kernel keeps.
  while (written < 1_000 && client.socket.writableLength < 8 * chunk.length) {
    client.socket.write(chunk);
    written += 1;
    await new Promise(setImmediate);
  }
  expect(written).toBeLessThan(1_000);
  expect(server.text).toBe("");
  proxy.isStalled = false;
  await until("all of it", () => server.text.length === written * chunk.length);
});

test("a link that is mute leaves both sides in the belief that the other is there", async () => {
  proxy.mute();
  client.socket.write("lost");
  server.socket.end("lost");
  await expect(until("anything", () => server.text !== "" || client.isEnded, 100)).rejects.toThrow("anything");
  expect([client.isClosed, server.isClosed]).toEqual([false, false]);
});

test("a slow reader slows the writer down, and the proxy keeps nothing for it", async () => {
  server.socket.pause();
  const chunk = "x".repeat(64 * 1024);
  let written = 0;
  while (written < 1_000 && client.socket.writableLength < 8 * chunk.length) {
    client.socket.write(chunk);
    written += 1;
    await new Promise(setImmediate);
  }
  expect(written).toBeLessThan(1_000);
  server.socket.resume();
  await until("all of it", () => server.text.length === written * chunk.length);
});
