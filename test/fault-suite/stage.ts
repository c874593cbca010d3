import { Redis } from "ioredis";
import { freePort } from "../../scripts/cluster/free-port.ts";
import { startTopology, type Topology } from "../../scripts/cluster/topology.ts";
import { testSecret } from "../support/app.ts";
import { openTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { until } from "../support/until.ts";
import { Chat } from "./chat.ts";
import { keepStays } from "./stored-facts.ts";

/** The whole installation, networks that can be made to fail, and people who chat over it. */
export interface Stage extends AsyncDisposable {
  readonly topology: Topology;
  /** Where clients connect: through the network between them and nginx. */
  readonly url: string;
  readonly clientNetwork: TcpProxy;
  readonly chat: Chat;
  readonly random: () => number;
  /** Between the nodes and each Redis master, until it is disposed of. */
  proxyRedis(): Promise<RedisNetwork>;
}

export interface RedisNetwork extends AsyncDisposable {
  readonly proxies: readonly TcpProxy[];
}

export async function openStage(random: () => number): Promise<Stage> {
  await using resources = new AsyncDisposableStack();
  const port = await freePort();
  const clientNetwork = resources.use(await openTcpProxy({ host: "127.0.0.1", port }));
  const url = `http://127.0.0.1:${clientNetwork.port}`;
  const env = ({ id }: { id: string }) => ({
    JWT_SECRET: testSecret,
    RATE_LIMITS: "off",
    // Where the client kit is sent, through the network that fails.
    PUBLIC_URL: `${url}/nodes/${id}`,
  });
  const topology = resources.use(await startTopology({ port, durable: false, env }));
  await keepStays(topology.databaseUrl);
  const chat = resources.use(await Chat.open({ url, random }));
  await until("all clients are live", () => chat.clients.every(({ isLive }) => isLive));
  const opened = resources.move();
  return {
    topology,
    url,
    clientNetwork,
    chat,
    random,
    proxyRedis: () => proxyRedis(topology),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** The masters tell their clients to come by way of the proxies. Comes back when all nodes do. */
async function proxyRedis({ redis, nodes }: Topology): Promise<RedisNetwork> {
  await using resources = new AsyncDisposableStack();
  const proxies: TcpProxy[] = [];
  for (const { port } of redis) {
    const proxy = resources.use(await openTcpProxy({ host: "127.0.0.1", port }));
    await announce(port, proxy.port);
    resources.defer(() => announce(port, 0));
    proxies.push(proxy);
  }
  await until("all nodes reach Redis through the proxies", () => proxies.every(({ links }) => links >= nodes.length));
  const opened = resources.move();
  return { proxies, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** 0: its own. */
async function announce(port: number, announced: number): Promise<void> {
  const redis = new Redis({ host: "127.0.0.1", port, lazyConnect: true });
  try {
    await redis.config("SET", "cluster-announce-port", announced);
  } finally {
    redis.disconnect();
  }
}
