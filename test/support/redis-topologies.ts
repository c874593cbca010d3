import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, serve, startRedis } from "./redis-server.ts";
import type { TestRedis } from "./redis-server.ts";
import { until } from "./until.ts";

const slotCount = 16_384;

export interface TestRedisCluster extends AsyncDisposable {
  /** `redis+cluster://`, naming the masters. */
  readonly url: string;
  /** The masters in the order of their slots, then the replicas in the order of their masters. */
  readonly nodes: TestRedis[];
  close(): Promise<void>;
}

/** A real cluster, every node of which says `cluster_state:ok` and knows all others. A failover takes about 2 s. */
export async function startRedisCluster(masters = 3, options: { replicas?: 0 | 1 } = {}): Promise<TestRedisCluster> {
  const count = masters * (1 + (options.replicas ?? 0));
  const nodes = await Promise.all(Array.from({ length: count }, startClusterNode));
  const first = nodes[0]!;
  await Promise.all(
    nodes.map(async (node, index) => {
      // Distinct epochs from the start, or the nodes settle a conflict first.
      await node.command("cluster", "set-config-epoch", index + 1);
      if (index >= masters) return;
      const from = Math.floor((index * slotCount) / masters);
      const through = Math.floor(((index + 1) * slotCount) / masters) - 1;
      await node.command("cluster", "addslotsrange", from, through);
    }),
  );
  for (const node of nodes.slice(1))
    await first.command("cluster", "meet", "127.0.0.1", node.port, await busPort(node));
  await until("all nodes of the cluster know each other", async () => {
    const known = await Promise.all(nodes.map(async (node) => (await clusterNodes(node)).length));
    return known.every((number) => number === count);
  });
  for (const [index, replica] of nodes.slice(masters).entries()) {
    await replica.command("cluster", "replicate", String(await nodes[index]!.command("cluster", "myid")));
  }
  await until("the cluster is whole on every node", async () => {
    const whole = await Promise.all(nodes.map(async (node) => isWhole(node, masters)));
    return whole.every(Boolean);
  });

  const close = async () => void (await Promise.all(nodes.map((node) => node.close())));
  const hosts = nodes.slice(0, masters).map((node) => `127.0.0.1:${node.port}`);
  return { url: `redis+cluster://${hosts.join(",")}`, nodes, close, [Symbol.asyncDispose]: close };

  async function isWhole(node: TestRedis, size: number): Promise<boolean> {
    const info = String(await node.command("cluster", "info"));
    const lines = await clusterNodes(node);
    const replicas = lines.filter((line) => line.includes("slave")).length;
    return info.includes("cluster_state:ok") && info.includes(`cluster_size:${size}`) && replicas === count - masters;
  }
}

async function busPort(node: TestRedis): Promise<number> {
  const [, port] = /@(\d+)/.exec(String(await node.command("cluster", "nodes"))) ?? [];
  return Number(port);
}

async function startClusterNode(): Promise<TestRedis> {
  const nodeTimeoutMs = 1_000;
  const settings = [
    "--cluster-enabled yes",
    `--cluster-node-timeout ${nodeTimeoutMs}`,
    `--cluster-port ${await freePort()}`,
  ];
  return startRedis({ args: settings.flatMap((setting) => setting.split(" ")) });
}

async function clusterNodes(node: TestRedis): Promise<string[]> {
  const text = String(await node.command("cluster", "nodes"));
  return text.split("\n").filter((line) => line !== "" && !line.includes("handshake"));
}

export interface TestRedisSentinel extends AsyncDisposable {
  /** `redis+sentinel://`, naming the Sentinels and the master's name. */
  readonly url: string;
  /** As at the start. */
  readonly master: TestRedis;
  readonly replica: TestRedis;
  readonly sentinels: TestRedis[];
  close(): Promise<void>;
}

const masterName = "causerie";

/** A master, a replica and three Sentinels of which two decide. A failover takes about 2 s. */
export async function startRedisSentinel(): Promise<TestRedisSentinel> {
  const master = await startRedis();
  const replica = await startRedis({ args: ["--replicaof", `127.0.0.1 ${master.port}`] });
  await until("the replica is in step", async () => {
    return String(await replica.command("info", "replication")).includes("master_link_status:up");
  });
  const sentinels = await Promise.all([1, 2, 3].map(() => startSentinel(master.port)));
  await until("the Sentinels know each other and the replica", async () => {
    const ready = await Promise.all(sentinels.map(knowsAll));
    return ready.every(Boolean);
  });

  const all = [...sentinels, replica, master];
  const close = async () => void (await Promise.all(all.map((server) => server.close())));
  const hosts = sentinels.map((sentinel) => `127.0.0.1:${sentinel.port}`);
  const url = `redis+sentinel://${hosts.join(",")}/${masterName}`;
  return { url, master, replica, sentinels, close, [Symbol.asyncDispose]: close };
}

async function startSentinel(masterPort: number): Promise<TestRedis> {
  const folder = await mkdtemp(join(tmpdir(), "causerie-sentinel-"));
  const file = join(folder, "sentinel.conf");
  const lines = [
    `dir ${folder}`,
    `sentinel monitor ${masterName} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${masterName} 500`,
    `sentinel failover-timeout ${masterName} 3000`,
  ];
  await writeFile(file, `${lines.join("\n")}\n`);
  return serve({ folder, port: await freePort(), args: [file, "--sentinel"] });
}

async function knowsAll(sentinel: TestRedis): Promise<boolean> {
  const reply = await sentinel.command("sentinel", "master", masterName);
  const words = (reply as unknown[]).map(String);
  const value = (name: string) => words[words.indexOf(name) + 1];
  return value("num-slaves") === "1" && value("num-other-sentinels") === "2" && value("flags") === "master";
}
