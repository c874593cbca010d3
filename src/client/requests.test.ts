import { expect, test } from "vitest";
import type { Connection } from "./connection.ts";
import type { LinkState } from "./connector.ts";
import { createFakeClock, settled } from "../../test/support/fake-clock.ts";
import { SendMessageDocument, ViewerDocument, type ViewerQuery } from "./generated/operations.ts";
import { createVariable } from "./observable.ts";
import { ConnectionLostError, OperationError } from "./operation-error.ts";
import { createRequests, type RequestOptions } from "./requests.ts";

const viewer: ViewerQuery = { viewer: { id: "a", name: "A", avatarUrl: null } };

/** A connection whose answers the test gives. */
function createConnection() {
  const ended = Promise.withResolvers<{ code: number; reason: string }>();
  const asked: { resolve: (data: never) => void; reject: (error: Error) => void }[] = [];
  let isOpen = true;
  const connection = {
    ended: ended.promise,
    get isOpen() {
      return isOpen;
    },
    execute: (_document: unknown, _variables: unknown, signal: AbortSignal) =>
      new Promise((resolve, reject) => {
        asked.push({ resolve, reject });
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      }),
  } as unknown as Connection;
  const lose = () => {
    isOpen = false;
    for (const { reject } of asked) reject(new ConnectionLostError());
    ended.resolve({ code: 1006, reason: "" });
  };
  return { connection, asked, lose };
}

function open() {
  const clock = createFakeClock();
  const life = new AbortController();
  const link = createVariable<LinkState>({ status: "offline", reason: undefined });
  const requests = createRequests({ link, clock, life: life.signal });
  const connect = () => {
    const made = createConnection();
    link.set({ status: "open", connection: made.connection });
    return made;
  };
  const ask = (options?: RequestOptions) => {
    const answer = requests.ask(ViewerDocument, {}, options);
    // The test looks at it later.
    answer.catch(() => undefined);
    return answer;
  };
  return { clock, life, link, connect, ask, requests };
}

test("a request waits for a connection", async () => {
  const { connect, ask, clock } = open();
  const answer = ask();
  await settled();
  const { asked } = connect();
  await settled();
  asked[0]!.resolve(viewer as never);
  expect(await answer).toBe(viewer);
  expect(clock.timers).toBe(0);
});

test("what may be repeated is asked again over the next connection, and not over the one that is lost", async () => {
  const { connect, ask, link } = open();
  const first = connect();
  const answer = ask();
  await settled();
  first.lose();
  await settled();
  expect(first.asked).toHaveLength(1);
  link.set({ status: "connecting" });
  const second = connect();
  await settled();
  second.asked[0]!.resolve(viewer as never);
  expect(await answer).toBe(viewer);
});

test("what may not be repeated is not: whether it happened is for the app to find out", async () => {
  const { connect, ask } = open();
  const first = connect();
  const answer = ask({ isRepeatable: false });
  await settled();
  first.lose();
  await expect(answer).rejects.toThrow(ConnectionLostError);
});

test("unless it is said otherwise a query may be repeated, and a mutation may not: it may add what is there already", async () => {
  const { connect, requests } = open();
  const isRepeated = async (ask: () => Promise<unknown>) => {
    const lost = connect();
    const answer = ask();
    answer.catch(() => undefined);
    await settled();
    lost.lose();
    const next = connect();
    await settled();
    return next.asked.length > 0;
  };
  expect(await isRepeated(() => requests.ask(ViewerDocument, {}))).toBe(true);
  const input = { roomId: "r", content: "once" };
  expect(await isRepeated(() => requests.ask(SendMessageDocument, { input }))).toBe(false);
  expect(await isRepeated(() => requests.ask(SendMessageDocument, { input }, { isRepeatable: true }))).toBe(true);
});

test("an answer with errors is an answer", async () => {
  const { connect, ask } = open();
  const { asked } = connect();
  const answer = ask();
  await settled();
  asked[0]!.reject(new OperationError([{ message: "No.", extensions: { code: "RATE_LIMITED", retryAfterMs: 5 } }]));
  await expect(answer).rejects.toMatchObject({ name: "OperationError", code: "RATE_LIMITED", retryAfterMs: 5 });
});

test("no request waits for ever: not for a connection, nor for an answer, nor after the client's end", async () => {
  const { connect, ask, clock, life } = open();
  const waiting = ask({ timeoutMs: 1_000 });
  await clock.advance(1_000);
  await expect(waiting).rejects.toThrow("1000 ms");
  connect();
  const asked = ask({ timeoutMs: 1_000 });
  await clock.advance(1_000);
  await expect(asked).rejects.toThrow("1000 ms");
  const given = new AbortController();
  const [cut, over] = [ask({ signal: given.signal }), ask()];
  given.abort(new Error("Never mind."));
  await expect(cut).rejects.toThrow("Never mind.");
  life.abort(new Error("The end."));
  await expect(over).rejects.toThrow("The end.");
  expect(clock.timers).toBe(0);
});
