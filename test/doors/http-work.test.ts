// How much of one user's may run at a time over HTTP, and over all sockets.
import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { tokenOf } from "../support/app.ts";
import { startSmallServer } from "./small-server.ts";
import { WireSocket } from "./wire.ts";

const types = `
  type Query { slow(name: String!): Boolean! big(kib: Int!): String! }
  type Mutation { change(name: String!): Boolean! }
`;
// Two of the least cost.
const limits = { maxCostOfUser: 20_000, maxWaitingRequests: 1 };

async function openServer(more: { waitTimeoutMs?: number } = {}) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const untilEnded = (_root: unknown, { name }: { name: string }) =>
    new Promise<boolean>((resolve) => (begun.push(name), ends.set(name, () => resolve(true))));
  const server = await startSmallServer({
    types,
    resolvers: {
      Mutation: { change: untilEnded },
      Query: {
        slow: untilEnded,
        big: (_root: unknown, { kib }: { kib: number }) => "x".repeat(kib * 1_024),
      },
    },
    ...limits,
    ...more,
  });
  const tokens = { alice: await tokenOf("alice"), bob: await tokenOf("bob") };
  async function ask(
    query: string,
    { as = "alice", signal = AbortSignal.timeout(20_000) }: { as?: keyof typeof tokens; signal?: AbortSignal } = {},
  ) {
    const response = await fetch(`${server.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${tokens[as]}` },
      body: JSON.stringify({ query }),
      signal,
    });
    type Told = { data?: unknown; errors?: { extensions: { code: string; retryAfterMs?: number } }[] };
    return { status: response.status, ...((await response.json()) as Told) };
  }
  const slow = (name: string, options: Parameters<typeof ask>[1] = {}) => ask(`{ slow(name: "${name}") }`, options);
  return {
    url: server.url,
    tokens,
    begun,
    ask,
    slow,
    end: (name: string) => ends.get(name)!(),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

const tooMany = { status: 429, errors: [{ extensions: { code: "RATE_LIMITED", retryAfterMs: 5_000 } }] };
const done = { status: 200, data: { slow: true } };

test("of one user's requests some run at a time, others wait for their turn, and more are refused; nobody else waits", async () => {
  await using server = await openServer();
  const { begun, slow, end } = server;
  const first = [slow("a"), slow("b")];
  await expect.poll(() => begun.length).toBe(2);
  const [third, fourth] = [slow("c"), slow("d")];
  expect(await Promise.race([third, fourth])).toMatchObject(tooMany);
  const others = slow("another's", { as: "bob" });
  await expect.poll(() => begun).toContain("another's");
  expect(begun).toHaveLength(3);
  end("a");
  await expect.poll(() => begun.length).toBe(4);
  end("b");
  end("another's");
  end(begun.at(-1)!);
  expect(await Promise.all([...first, others])).toMatchObject([done, done, done]);
  expect((await Promise.all([third, fourth])).map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([
    200, 429,
  ]);
});

test("what runs counts until it ends, though its client has gone; what waits for one who has gone is not begun", async () => {
  await using server = await openServer();
  const { begun, slow, end } = server;
  const leave = new AbortController();
  const gone = slow("gone", { signal: leave.signal });
  const stays = slow("stays");
  await expect.poll(() => begun.length).toBe(2);
  const waiting = slow("waits", { signal: leave.signal });
  // Once it waits there is no room for more.
  await expect
    .poll(async () => (await slow("refused", { signal: AbortSignal.timeout(200) }).catch(() => null))?.status)
    .toBe(429);
  leave.abort();
  await expect(gone).rejects.toThrow();
  await expect(waiting).rejects.toThrow();
  // The server sees what happened before this.
  await server.ask("{ big(kib: 1) }", { as: "bob" });
  end("gone");
  end("stays");
  expect(await stays).toMatchObject(done);
  const last = slow("last");
  await expect.poll(() => begun.at(-1)).toBe("last");
  end("last");
  expect(await last).toMatchObject(done);
  expect(begun).not.toContain("waits");
});

test("an answer that the client does not take counts until it is gone", async () => {
  await using server = await openServer({ waitTimeoutMs: 300 });
  const open = async () => {
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    await once(socket, "connect");
    const body = JSON.stringify({ query: "{ big(kib: 32768) }" });
    socket.write(
      `POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer ${server.tokens.alice}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await once(socket, "readable");
    return socket;
  };
  const sockets = [await open(), await open()];
  expect(await server.ask("{ big(kib: 1) }")).toMatchObject({ status: 429 });
  for (const socket of sockets) socket.destroy();
  await expect.poll(async () => (await server.ask("{ big(kib: 1) }")).status).toBe(200);
});

test("changes have rates of their own: as many run as may cost what they cost", async () => {
  await using server = await openServer();
  const { begun, ask, end } = server;
  const names = Array.from({ length: 20 }, (_, index) => `change ${index}`);
  const changes = names.map((name) => ask(`mutation { change(name: "${name}") }`));
  await expect.poll(() => begun.length).toBe(20);
  for (const name of names) end(name);
  for (const { status } of await Promise.all(changes)) expect(status).toBe(200);
});

test("over all of a user's sockets no more runs at a time; what waits comes in its turn, or not at all once nobody wants it", async () => {
  await using server = await openServer();
  const { begun, end, slow } = server;
  await using first = await WireSocket.begin(server, "alice");
  await using second = await WireSocket.begin(server, "alice");
  await using bob = await WireSocket.begin(server, "bob");
  const run = (wire: WireSocket, name: string) => wire.subscribe(name, `{ slow(name: "${name}") }`);
  run(first, "a");
  run(second, "b");
  await expect.poll(() => begun.length).toBe(2);
  run(second, "c");
  run(second, "unwanted");
  run(second, "d");
  second.send({ id: "unwanted", type: "complete" });
  await second.settle();
  run(bob, "bob's");
  await expect.poll(() => begun).toContain("bob's");
  expect(begun.toSorted()).toEqual(["a", "b", "bob's"]);
  end("a");
  await expect.poll(() => begun.at(-1)).toBe("c");
  end("b");
  await expect.poll(() => begun.at(-1)).toBe("d");
  const last = slow("over HTTP");
  end("c");
  await expect.poll(() => begun.at(-1)).toBe("over HTTP");
  end("d");
  end("over HTTP");
  expect(await last).toMatchObject(done);
  expect(begun).not.toContain("unwanted");
});
