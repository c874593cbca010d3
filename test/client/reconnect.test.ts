import { expect, test } from "vitest";
import { createFakeClock } from "../support/fake-clock.ts";
import { startTestApp } from "../support/app.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";
import { startClosingServer } from "./closing-server.ts";
import { TestClient } from "./support.ts";
import { Wire } from "./wire.ts";

/** Those that graphql-ws retries, those that it takes for final, and what proxies and networks do. */
const codes = [1000, 1001, 1006, 1009, 1011, 1012, 1013, 4008, 4400, 4401, 4403, 4406, 4408, 4409, 4429, 4499, 4500];

test("whatever code a connection is closed with, there is another one, and a token is asked for anew", async () => {
  await using server = await startClosingServer([...codes]);
  let asked = 0;
  const getToken = async () => `token ${asked++}`;
  await using client = new TestClient(server, "bob", { getToken, backoff: { baseMs: 1, maxMs: 2 } });
  await until("all codes", () => server.tokens.length > codes.length);
  expect(server.tokens).toEqual(Array.from({ length: codes.length + 1 }, (_, index) => `Bearer token ${index}`));
  expect(client.status).toBe("catching up");
});

test("a server that cannot be reached, a token that cannot be had and a token of another user are tried again, more and more seldom", async () => {
  const clock = createFakeClock();
  const wire = new Wire();
  const reasons: (string | undefined)[] = [];
  let asked = 0;
  const getToken = async () => {
    asked++;
    if (asked % 3 === 1) throw new Error("The identity provider is away.");
    // {"sub":"carol"}
    return asked % 3 === 2 ? "e30.eyJzdWIiOiJjYXJvbCJ9.x" : "token";
  };
  const nowhere = { url: "http://127.0.0.1:1" };
  const backoff = { random: () => 1 };
  await using client = new TestClient(nowhere, "bob", { getToken, clock, backoff, webSocketImpl: wire.WebSocket });
  const waits: number[] = [];
  for (let round = 0; round < 9; round++) {
    await until("the try has come to nothing", () => client.status === "offline");
    reasons.push(client.client.state.get().reason);
    const beganMs = clock.now();
    await until("tried again", async () => {
      await clock.advance(500);
      return asked > round + 1;
    });
    waits.push(clock.now() - beganMs);
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  expect(reasons[0]).toContain("identity provider");
  expect(reasons[1]).toContain("carol");
  expect(reasons[2]).toContain("connection");
  await client.client.dispose();
  expect(clock.timers).toBe(0);
});

test("after a connection that served its purpose the next failure is a first one", async () => {
  await using app = await startTestApp();
  await TestUser.open(app, "bob");
  const clock = createFakeClock(Date.now());
  const wire = new Wire();
  const backoff = { random: () => 1 };
  await using bob = new TestClient(app, "bob", { clock, backoff, webSocketImpl: wire.WebSocket });
  for (let round = 0; round < 6; round++) {
    await bob.live();
    wire.cut();
    await until("lost", () => bob.status === "offline");
    await clock.advance(499);
    expect(bob.status).toBe("offline");
    await clock.advance(1);
    expect(bob.status).not.toBe("offline");
  }
});

test("told that the network is back, it does not wait for its next try", async () => {
  const clock = createFakeClock();
  const network = new EventTarget();
  let asked = 0;
  const getToken = async () => {
    asked++;
    throw new Error("Not now.");
  };
  await using client = new TestClient({ url: "http://127.0.0.1:1" }, "bob", { getToken, clock, network });
  for (let round = 1; round < 5; round++) {
    await until("offline", () => client.status === "offline");
    expect(asked).toBe(round);
    network.dispatchEvent(new Event("online"));
    await until("tried", () => asked === round + 1);
  }
});

test("a token that does not come is given up after a while, and asked for again", async () => {
  const clock = createFakeClock();
  let asked = 0;
  const getToken = () => {
    asked++;
    return new Promise<string>(() => undefined);
  };
  await using client = new TestClient({ url: "http://127.0.0.1:1" }, "bob", { getToken, clock });
  expect(client.status).toBe("connecting");
  await clock.advance(29_999);
  expect(client.status).toBe("connecting");
  await clock.advance(1);
  expect(client.status).toBe("offline");
  await clock.advance(500);
  expect(asked).toBe(2);
});

test("an address that no socket can be made for is a failure like others", async () => {
  const clock = createFakeClock();
  let asked = 0;
  const resolveUrl = async () => {
    asked++;
    return "neither here nor there";
  };
  const getToken = async () => "token";
  await using client = new TestClient({ url: "" }, "bob", { resolveUrl, getToken, clock });
  for (let round = 1; round < 4; round++) {
    await until("the try has come to nothing", () => client.status === "offline");
    expect(client.client.state.get().reason).toMatch(/SyntaxError/);
    expect(asked).toBe(round);
    client.client.wake();
    await until("another try", () => asked > round);
  }
});
