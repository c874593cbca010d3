import { setTimeout as delay } from "node:timers/promises";
import { hlcToMs, parseHlc } from "../../src/clock/hlc.ts";
import type { TcpProxy } from "../support/tcp-proxy.ts";
import { TestUser } from "../support/user.ts";
import type { Follower } from "./caught-up.ts";
import { crowdReconnects } from "./crowd.ts";
import { consumerStops } from "./stopped-consumer.ts";
import type { Stage } from "./stage.ts";

/** Something that goes wrong while people chat. */
export interface Fault {
  readonly name: string;
  /** Brings it about, and comes back when it is over: from then on the time is taken until every client has caught up. */
  readonly strike: (stage: Stage, cast: Cast) => Promise<void>;
  /** Puts things back after that. */
  readonly restore?: (stage: Stage) => Promise<void>;
}

/** Who takes part besides the people who chat. */
export interface Cast {
  /** Its records are judged like theirs. It is closed after the fault. */
  join(follower: Follower & Partial<Disposable>): void;
}

/** How long things stay as they are, so that what goes on meanwhile can go wrong. */
const lingerMs = 3_000;

const clockAhead = new URL("clock-ahead.ts", import.meta.url).href;

export const faults: Fault[] = [
  {
    name: "kill -9 of a node",
    strike: async ({ topology: { nodes } }) => void (await nodes[0]!.kill()),
    restore: startNodes,
  },
  {
    name: "SIGSTOP of a node for 20 s",
    async strike({ topology: { nodes } }) {
      // One that has clients: those of the node that was killed went to the others.
      const node = nodes[1]!;
      await node.pause();
      await delay(20_000);
      node.resume();
    },
  },
  {
    name: "kill -9 of a Redis master, restart",
    async strike({ topology: { redis } }) {
      await redis[0]!.kill();
      await delay(lingerMs);
      await redis[0]!.start();
    },
  },
  {
    name: "kill -9 of all Redis masters, restart",
    async strike({ topology: { redis } }) {
      await Promise.all(redis.map((master) => master.kill()));
      await delay(lingerMs);
      await Promise.all(redis.map((master) => master.start()));
    },
  },
  {
    name: "SIGSTOP of Redis for 10 s",
    async strike({ topology: { redis } }) {
      await Promise.all(redis.map((master) => master.pause()));
      await delay(10_000);
      for (const master of redis) master.resume();
    },
  },
  {
    name: "restart of Postgres, immediate mode",
    async strike({ topology: { primary } }) {
      // Postgres' own name for it.
      await primary.kill("SIGQUIT");
      await delay(lingerMs);
      await primary.start();
    },
  },
  {
    name: "client connections cut, delayed, half-closed",
    strike: ({ clientNetwork, random }) => harass([clientNetwork], random),
  },
  {
    name: "Redis connections cut, delayed, half-closed",
    async strike(stage) {
      await using network = await stage.proxyRedis();
      await harass(network.proxies, stage.random);
    },
  },
  { name: "a consumer that stops reading", strike: consumerStops },
  { name: "500 clients that reconnect in the same second", strike: crowdReconnects },
  {
    name: "a node's clock 5 minutes ahead",
    async strike({ topology: { nodes } }) {
      await nodes[0]!.kill("SIGTERM");
      await nodes[0]!.start({ NODE_OPTIONS: `--import ${clockAhead}`, CLOCK_AHEAD_MS: "300000" });
      await expectAhead(nodes[0]!);
      await delay(2 * lingerMs);
    },
    async restore({ topology: { nodes } }) {
      await nodes[0]!.restart("SIGTERM");
    },
  },
];

/** Its messages are a minute ahead, which is as far as a node can drag a room with it. */
async function expectAhead(node: { url: string }): Promise<void> {
  const user = await TestUser.open(node, "early-bird");
  const { hlc } = await user.send(await user.createRoom("Ahead"), "Early");
  const aheadMs = hlcToMs(parseHlc(hlc).reading) - Date.now();
  if (aheadMs < 50_000 || aheadMs > 60_000) throw new Error(`The node's clock is ${aheadMs} ms ahead.`);
}

async function startNodes({ topology: { nodes } }: Stage): Promise<void> {
  for (const node of nodes) await node.start();
}

/** All that these networks can do to their connections, one after the other. */
async function harass(proxies: readonly TcpProxy[], random: () => number): Promise<void> {
  const acts: ((proxy: TcpProxy) => void)[] = [
    (proxy) => proxy.cut(() => random() < 0.5),
    (proxy) => (proxy.delayMs = 300),
    (proxy) => proxy.cut(),
    (proxy) => (proxy.delayMs = 0),
    (proxy) => proxy.halfClose("client"),
    (proxy) => proxy.halfClose("server"),
    (proxy) => proxy.mute(),
  ];
  for (const act of acts) {
    for (const proxy of proxies) act(proxy);
    await delay(lingerMs / 2);
  }
}
