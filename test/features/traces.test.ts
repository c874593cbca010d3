import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import {
  type Attributes,
  context,
  type Context,
  type ContextManager,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanOptions,
  type TextMapPropagator,
  trace,
  TraceFlags,
  type Tracer,
} from "@opentelemetry/api";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startTestApp, type TestApp } from "../support/app.ts";
import { beginningOf, isA, isCaughtUp } from "../support/items.ts";
import { startRedis, type TestRedis } from "../support/redis.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";

type Recorded = {
  name: string;
  own: SpanContext;
  parent: SpanContext | undefined;
  links: SpanContext[];
  attributes: Attributes;
  ended: boolean;
};

const spans: Recorded[] = [];

/** As an SDK does it, keeping everything. */
const recorder: Tracer = {
  startSpan(name: string, options: SpanOptions = {}, from: Context = context.active()): Span {
    const parent = trace.getSpanContext(from);
    const own = {
      traceId: parent?.traceId ?? randomBytes(16).toString("hex"),
      spanId: randomBytes(8).toString("hex"),
      traceFlags: TraceFlags.SAMPLED,
    };
    const links = (options.links ?? []).map((link) => link.context);
    const recorded: Recorded = { name, own, parent, links, attributes: { ...options.attributes }, ended: false };
    spans.push(recorded);
    const span = {
      spanContext: () => own,
      setAttribute(key: string, value: string) {
        recorded.attributes[key] = value;
        return span;
      },
      setStatus: () => span,
      isRecording: () => true,
      end: () => void (recorded.ended = true),
    } as unknown as Span;
    return span;
  },
  startActiveSpan: () => {
    throw new Error("Nothing uses it.");
  },
};

const storage = new AsyncLocalStorage<Context>();
const manager: ContextManager = {
  active: () => storage.getStore() ?? ROOT_CONTEXT,
  with: (active, work, self, ...args) => storage.run(active, () => work.apply(self as never, args)),
  bind: (_active, target) => target,
  enable: () => manager,
  disable: () => manager,
};

/** As W3C Trace Context has it. */
const propagator: TextMapPropagator = {
  inject(from, carrier, setter) {
    const own = trace.getSpanContext(from);
    if (own) setter.set(carrier, "traceparent", `00-${own.traceId}-${own.spanId}-01`);
  },
  extract(into, carrier, getter) {
    const [, traceId, spanId] = /^00-(\w{32})-(\w{16})-01$/.exec(String(getter.get(carrier, "traceparent"))) ?? [];
    if (!traceId || !spanId) return into;
    return trace.setSpanContext(into, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
  },
  fields: () => ["traceparent"],
};

let redis: TestRedis;
let app: TestApp;
let other: TestApp;
let alice: TestUser;

beforeAll(async () => {
  context.setGlobalContextManager(manager);
  trace.setGlobalTracerProvider({ getTracer: () => recorder });
  propagation.setGlobalPropagator(propagator);
  redis = await startRedis();
  const env = { REDIS_URL: redis.url };
  app = await startTestApp({ env });
  other = await startTestApp({ databaseUrl: app.databaseUrl, env });
  alice = await TestUser.open(app, "alice");
});
afterAll(async () => {
  await alice[Symbol.asyncDispose]();
  await other.close();
  await app.close();
  await redis.close();
  propagation.disable();
  trace.disable();
  context.disable();
});

async function spanOf(name: string, fits: (span: Recorded) => boolean = () => true): Promise<Recorded> {
  const found = () => spans.find((span) => span.name === name && span.ended && fits(span));
  await until(`a span ${name} has ended`, () => found() !== undefined);
  return found()!;
}

test("a send is traced from its operation through the batch to the fan-out", async () => {
  const roomId = await alice.createRoom("Traced");
  await using live = alice.roomEvents(roomId);
  await live.find(isCaughtUp);
  spans.length = 0;
  await alice.send(roomId, "traced");
  await live.find(isA("MessageSent"));
  const operation = await spanOf("mutation");
  const batch = await spanOf("send_messages");
  const delivery = await spanOf("process room:{room}");
  expect(operation.attributes).toMatchObject({ "graphql.operation.type": "mutation", "user.id": "alice" });
  expect(batch.attributes["db.operation.batch.size"]).toBe(1);
  expect(batch.links).toEqual([operation.own]);
  expect(delivery.parent).toEqual(batch.own);
  expect(delivery.attributes).toMatchObject({ "causerie.event.type": "MessageSent", "causerie.event.subscribers": 1 });
  expect(JSON.stringify(spans)).not.toContain(`"traced"`);
});

test("a catch-up is a span, and a subscription's ends once it is open", async () => {
  const roomId = await alice.createRoom("Caught up");
  spans.length = 0;
  await using resumed = alice.roomEvents(roomId, { after: beginningOf(roomId) });
  await resumed.find(isCaughtUp);
  expect((await spanOf("catch-up")).attributes).toMatchObject({ "causerie.rooms": 1, "causerie.events": 1 });
  await spanOf("subscription");
});

test("a failed operation's span has the code", async () => {
  await alice.ask("{ rooms(first: 100000) { edges { cursor } } }");
  await spanOf("query", ({ attributes }) => attributes["error.type"] === "INVALID");
});

test("what another node hands out belongs to the batch that committed it", async () => {
  const roomId = await alice.createRoom("Two nodes");
  await using elsewhere = await TestUser.open(other, "alice");
  await using live = elsewhere.roomEvents(roomId);
  await live.find(isCaughtUp);
  spans.length = 0;
  await alice.send(roomId, "over the bus");
  await live.find(isA("MessageSent"));
  const batch = await spanOf("send_messages");
  const delivery = await spanOf("process room:{room}");
  expect(delivery.attributes["causerie.event.route"]).toBe("bus");
  expect(delivery.parent).toMatchObject({ traceId: batch.own.traceId, spanId: batch.own.spanId });
});

test("a request over HTTP goes on with its caller's trace", async () => {
  const [traceId, spanId] = [randomBytes(16).toString("hex"), randomBytes(8).toString("hex")];
  await fetch(`${app.url}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Bearer ${alice.token}`,
      traceparent: `00-${traceId}-${spanId}-01`,
    },
    body: JSON.stringify({ query: "query Traced { viewer { id } }" }),
  });
  const isCalled = ({ attributes }: Recorded) => attributes["graphql.operation.name"] === "Traced";
  expect((await spanOf("query", isCalled)).parent).toMatchObject({ traceId, spanId });
});
