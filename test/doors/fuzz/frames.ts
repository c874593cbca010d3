import { once } from "node:events";
import type { Socket } from "node:net";
import fc from "fast-check";
import { WebSocket } from "ws";
import { until } from "../../support/until.ts";
import { type Kitchen, type Mutation, mutated, mutations, operationOf, type Recipe, recipes } from "./inputs.ts";

/** One thing that a client does at its WebSocket. */
export type Step =
  | { do: "subscribe"; id: string; operation: Recipe; changes: Mutation[] }
  | { do: "message"; text: string }
  | { do: "binary"; bytes: Uint8Array }
  | { do: "part"; text: string }
  | { do: "bytes"; bytes: Uint8Array };

const ids = fc.oneof(
  { weight: 3, arbitrary: fc.uuid() },
  {
    weight: 1,
    arbitrary: fc.constantFrom("1", "__proto__", "constructor", "", "x".repeat(200), "\u0000", "💬", "\ud800"),
  },
);
const shapes = fc.constantFrom<object>(
  { type: "connection_init" },
  { type: "connection_init", payload: { authorization: 1 } },
  { type: "connection_ack" },
  { type: "next", id: "1", payload: {} },
  { type: "ping", payload: { a: [] } },
  { type: "ping", payload: "text" },
  { type: "pong" },
  { type: "complete", id: 1 },
  { type: "subscribe" },
  { type: "subscribe", id: "1" },
  { type: "subscribe", id: "1", payload: null },
  { type: "subscribe", id: "1", payload: { query: 1 } },
  { type: "subscribe", id: "1", payload: { query: "{ viewer { id } }", variables: [] } },
  { type: "subscribe", id: "1", payload: { query: "{ viewer { id } }", operationName: {} } },
  { type: "subscribe", id: "1", payload: { query: "{ viewer { id } }", extensions: "x" } },
  { type: "__proto__", id: "1" },
);

const unchanged = fc.constant<Mutation[]>([]);
export const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 30,
    arbitrary: fc.record({
      do: fc.constant("subscribe" as const),
      id: ids,
      operation: recipes,
      changes: fc.oneof({ weight: 20, arbitrary: unchanged }, { weight: 1, arbitrary: mutations }),
    }),
  },
  { weight: 8, arbitrary: ids.map((id) => message({ type: "complete", id })) },
  { weight: 2, arbitrary: fc.constantFrom(message({ type: "ping" }), message({ type: "pong", payload: {} })) },
  { weight: 1, arbitrary: shapes.map(message) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 4 }).map((text) => ({ do: "message", text }) as const) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(shapes, mutations)
      .map(([shape, changes]) => ({ do: "message", text: mutated(JSON.stringify(shape), changes) }) as const),
  },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => ({ do: "binary", bytes }) as const) },
  { weight: 1, arbitrary: fc.string({ maxLength: 40 }).map((text) => ({ do: "part", text }) as const) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => ({ do: "bytes", bytes }) as const) },
);

function message(value: object): Step {
  return { do: "message", text: JSON.stringify(value) };
}

/** What the server said to all that, and how it closed the socket, if it did. */
export type Talk = { said: string[]; code: number | null; reason: string };

/** Opens a socket, does it all, and waits until the server has answered to what came last. */
export async function talk(
  url: string,
  { token, script, kitchen }: { token: string | null; script: readonly Step[]; kitchen: Kitchen },
): Promise<Talk> {
  const socket = new WebSocket(`${url.replace("http", "ws")}/graphql`, "graphql-transport-ws");
  const said: string[] = [];
  let closed: { code: number; reason: string } | null = null;
  socket.on("message", (data: Buffer) => said.push(data.toString()));
  socket.on("error", () => {
    // What the server answers to bytes that are no frames need not be a whole one.
  });
  socket.on("close", (code, reason) => (closed = { code, reason: reason.toString() }));
  await once(socket, "open");
  if (token !== null) {
    socket.send(JSON.stringify({ type: "connection_init", payload: { authorization: `Bearer ${token}` } }));
    await until("the client is let in", () => said.length > 0 || closed !== null);
  }
  for (const step of script) take(socket, step, kitchen);
  const mark = `the end ${Math.random()}`;
  // A part of a message takes what follows for its rest, and bytes for anything.
  const isHeard = !script.some((step) => step.do === "part" || step.do === "bytes");
  if (isHeard) socket.send(JSON.stringify({ type: "ping", payload: { mark } }));
  else socket.close();
  const isOver = () => closed !== null || said.some((text) => text.includes(mark));
  await until("the server answers to all", isOver, 15_000).finally(() => socket.terminate());
  const end = closed as { code: number; reason: string } | null;
  return { said, code: end?.code ?? null, reason: end?.reason ?? "" };
}

function take(socket: WebSocket, step: Step, kitchen: Kitchen): void {
  if (socket.readyState !== WebSocket.OPEN) return;
  switch (step.do) {
    case "subscribe": {
      const text = JSON.stringify({ type: "subscribe", id: step.id, payload: operationOf(step.operation, kitchen) });
      return socket.send(mutated(text, step.changes));
    }
    case "message":
      return socket.send(step.text);
    case "binary":
      return socket.send(step.bytes, { binary: true });
    case "part":
      return socket.send(step.text, { fin: false });
    case "bytes":
      return void connectionOf(socket).write(step.bytes);
  }
}

function connectionOf(socket: WebSocket): Socket {
  // ws keeps it to itself.
  const name = "_socket";
  return (socket as unknown as Record<typeof name, Socket>)[name];
}
