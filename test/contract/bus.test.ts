import * as fc from "fast-check";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Bus } from "../../src/live/bus.ts";
import { until } from "../support/until.ts";
import { backends, listen } from "./bus-backends.ts";
import type { BusBackend } from "./bus-backends.ts";

describe.each(Object.keys(backends))("The bus over %s", (kind) => {
  let backend: BusBackend;
  let here: Bus;
  let there: Bus;
  let names = 0;
  /** Each test has channels of its own. */
  const newChannel = () => `room:${(names += 1)}`;
  const expectNobodySubscribed = async (channel: string) => {
    const { subscribed } = backend;
    if (subscribed) await until(`nobody is subscribed to ${channel}`, async () => (await subscribed(channel)) === 0);
  };

  beforeAll(async () => {
    backend = await backends[kind]!();
    [here, there] = await Promise.all([backend.open(), backend.open()]);
  });
  afterAll(async () => {
    await Promise.all([here, there].map((bus) => bus.close()));
    await backend.close();
  });

  test("what is published after the acknowledgement is heard, on the same node and on another", async () => {
    const channel = newChannel();
    const own = listen(here, channel);
    const other = listen(there, channel);
    expect(await own.subscription.acknowledged).toBe(true);
    expect(await other.subscription.acknowledged).toBe(true);
    expect(here.up).toBe(true);
    expect(await here.publish(channel, "hello")).toBe(true);
    await until("both hear it", () => own.heard.length === 1 && other.heard.length === 1);
    expect([...own.heard, ...other.heard]).toEqual(["hello", "hello"]);
  });

  test("publications of one node to one channel arrive in the order of the calls", async () => {
    const channel = newChannel();
    const { heard, subscription } = listen(there, channel);
    await subscription.acknowledged;
    const texts = Array.from({ length: 1_000 }, (_, index) => String(index));
    const handedOver = await Promise.all(texts.map((text) => here.publish(channel, text)));
    expect(handedOver.every(Boolean)).toBe(true);
    await until("all are heard", () => heard.length >= texts.length);
    expect(heard).toEqual(texts);
  });

  test("a channel hears nothing of another", async () => {
    const channels = Array.from({ length: 20 }, newChannel);
    const listeners = channels.map((channel) => listen(there, channel));
    await Promise.all(listeners.map(({ subscription }) => subscription.acknowledged));
    for (const round of ["first", "second"]) {
      await Promise.all(channels.map((channel) => here.publish(channel, `${channel} ${round}`)));
    }
    await until("all hear their second", () => listeners.every(({ heard }) => heard.length >= 2));
    expect(listeners.map(({ heard }) => heard)).toEqual(
      channels.map((channel) => [`${channel} first`, `${channel} second`]),
    );
  });

  test("listeners of one channel share one subscription, which ends with the last", async () => {
    const channel = newChannel();
    const [first, second] = [listen(there, channel), listen(there, channel)];
    expect(await Promise.all([first.subscription.acknowledged, second.subscription.acknowledged])).toEqual([
      true,
      true,
    ]);
    const third = listen(there, channel);
    expect(await third.subscription.acknowledged).toBe(true);
    if (backend.subscribed) expect(await backend.subscribed(channel)).toBe(1);

    await first.subscription.close();
    await third.subscription.close();
    await here.publish(channel, "to the second");
    await until("the second hears it", () => second.heard.length === 1);
    expect([first.heard, third.heard]).toEqual([[], []]);
    if (backend.subscribed) expect(await backend.subscribed(channel)).toBe(1);

    await second.subscription.close();
    await second.subscription.close();
    await expectNobodySubscribed(channel);
  });

  test("closing before the acknowledgement leaves nothing subscribed", async () => {
    const channel = newChannel();
    const { heard, subscription } = listen(there, channel);
    await subscription.close();
    expect(await subscription.acknowledged).toBe(false);
    await expectNobodySubscribed(channel);
    await here.publish(channel, "to nobody");
    const next = listen(there, channel);
    await next.subscription.acknowledged;
    await here.publish(channel, "to the next");
    await until("the next hears", () => next.heard.length === 1);
    expect([heard, next.heard]).toEqual([[], ["to the next"]]);
  });

  test("subscribing again right after closing is heard", async () => {
    const channel = newChannel();
    const first = listen(there, channel);
    await first.subscription.acknowledged;
    const closed = first.subscription.close();
    const second = listen(there, channel);
    await closed;
    await second.subscription.close();
    const third = listen(there, channel);
    expect(await third.subscription.acknowledged).toBe(true);
    await here.publish(channel, "hello");
    await until("it is heard", () => third.heard.length === 1);
    expect([first.heard, second.heard]).toEqual([[], []]);
  });

  test("a listener that throws is logged and hinders no other", async () => {
    const lines: string[] = [];
    await using bus = await backend.open(pino({ level: "error" }, { write: (line: string) => void lines.push(line) }));
    const channel = newChannel();
    const failing = bus.subscribe(channel, () => {
      throw new Error("This listener fails");
    });
    const { heard, subscription } = listen(bus, channel);
    await Promise.all([failing.acknowledged, subscription.acknowledged]);
    expect(await bus.publish(channel, "one")).toBe(true);
    expect(await bus.publish(channel, "two")).toBe(true);
    await until("the other hears", () => heard.length === 2);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain("This listener fails");
  });

  test.each([
    ["of 200 kB", "zoë 👋 ".repeat(20_000)],
    ["that is empty", ""],
    ["that is a number", "0123"],
    ["that is JSON", '{"__proto__": {"at": "2020-01-01T00:00:00.000Z"}}'],
    ["that looks like a broken frame", "$3\r\nfoo\r\n\u0000"],
  ])("a text %s arrives as it was", async (_, text) => {
    const channel = newChannel();
    const { heard, subscription } = listen(there, channel);
    await subscription.acknowledged;
    await here.publish(channel, text);
    await until("it is heard", () => heard.length === 1);
    expect(heard[0]).toBe(text);
  });

  test.each(["__proto__", "constructor", "error", "message", "*", "user:zoë|{1}", "x".repeat(300)])(
    "%s is a channel like any other",
    async (channel) => {
      const { heard, subscription } = listen(there, channel);
      expect(await subscription.acknowledged).toBe(true);
      expect(await here.publish("other", "not this")).toBe(true);
      expect(await here.publish(channel, "this")).toBe(true);
      await until("it is heard", () => heard.length === 1);
      await subscription.close();
      expect(heard).toEqual(["this"]);
      await expectNobodySubscribed(channel);
    },
  );

  test.each(["", "a\nb", "\u0000", "\ud800", "x".repeat(301)])("what no id makes is no channel: %j", (channel) => {
    expect(() => here.subscribe(channel, () => {})).toThrow(TypeError);
    expect(() => here.publish(channel, "")).toThrow(TypeError);
  });

  test("whatever is opened and closed when, who listens hears and nothing is left behind", async () => {
    const channels = [newChannel(), newChannel()];
    const step = fc.record({
      what: fc.constantFrom("open", "close", "publish", "pause"),
      which: fc.nat({ max: 20 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const open: (ReturnType<typeof listen> & { channel: string })[] = [];
        const closed: typeof open = [];
        const ended: Promise<void>[] = [];
        for (const { what, which } of steps) {
          const channel = channels[which % channels.length]!;
          if (what === "open") open.push({ ...listen(there, channel), channel });
          if (what === "publish") void here.publish(channel, "in between");
          if (what === "pause") await here.publish(channel, "pause");
          const [gone] = what === "close" ? open.splice(which % (open.length || 1), 1) : [];
          if (!gone) continue;
          ended.push(gone.subscription.close());
          closed.push(gone);
        }
        await Promise.all(ended);
        const acknowledged = await Promise.all(open.map(({ subscription }) => subscription.acknowledged));
        expect(acknowledged.every(Boolean)).toBe(true);
        for (const channel of channels) await here.publish(channel, "last");
        await until("all hear the last", () => open.every(({ heard }) => heard.at(-1) === "last"));
        expect(closed.some(({ heard }) => heard.includes("last"))).toBe(false);
        await Promise.all(open.map(({ subscription }) => subscription.close()));
        for (const channel of channels) await expectNobodySubscribed(channel);
      }),
      { numRuns: 30 },
    );
  });

  test("a closed bus hears nothing, hands nothing over and can be closed again", async () => {
    const channel = newChannel();
    const states: boolean[] = [];
    const bus = await backend.open(silentButOwn());
    bus.onStateChange((up) => void states.push(up));
    const { heard, subscription } = listen(bus, channel);
    await subscription.acknowledged;
    await bus.close();
    await bus.close();
    expect([bus.up, states]).toEqual([false, [false]]);
    expect(await bus.publish(channel, "nobody")).toBe(false);
    expect(await bus.subscribe(channel, () => {}).acknowledged).toBe(false);
    await subscription.close();
    await here.publish(channel, "nobody");
    await expectNobodySubscribed(channel);
    expect(heard).toEqual([]);
  });
});

/** A log of its own, so that the bus over memory is one of its own too. */
function silentButOwn() {
  return pino({ level: "silent" });
}
