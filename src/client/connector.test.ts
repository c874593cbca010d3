import { expect, test } from "vitest";
import { Connector } from "./connector.ts";
import { createFakeClock } from "../../test/support/fake-clock.ts";

test("a token that takes its time is waited for, and not asked for again meanwhile", async () => {
  const clock = createFakeClock();
  let [asked, running, most, opened] = [0, 0, 0, 0];
  class SilentSocket extends EventTarget {
    readonly readyState = 0;
    constructor() {
      super();
      opened++;
    }
    close() {}
    send() {}
  }
  const connector = new Connector({
    resolveUrl: async () => "ws://server",
    findNode: async () => undefined,
    getToken: async () => {
      asked++;
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => clock.setTimeout(resolve, 12_000));
      running--;
      return "token";
    },
    userId: "me",
    device: "WEB",
    getStatus: () => "ONLINE",
    webSocketImpl: SilentSocket as never,
    clock,
    backoff: { random: () => 0.5 },
    connectTimeoutMs: 10_000,
    pingAfterMs: 10_000,
    pongWithinMs: 5_000,
    onOpen: () => undefined,
    onFault: () => undefined,
  });
  connector.start();
  await clock.advance(12_000);
  expect(opened).toBe(1);
  await clock.advance(120_000);
  expect([most, asked > 2, opened === asked]).toEqual([1, true, true]);
  connector.stop();
  await clock.advance(60_000);
  expect(clock.timers).toBe(0);
});
