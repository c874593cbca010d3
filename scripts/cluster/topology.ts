import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, isFree } from "./free-port.ts";
import type { ManagedProcess } from "./managed-process.ts";
import { startNginx } from "./nginx.ts";
import { startNode, type NodeProcess } from "./node.ts";
import { startPostgresPair, type PostgresProcess } from "./postgres.ts";
import { findPrograms } from "./programs.ts";
import { startRedisCluster } from "./redis.ts";

/** What the nodes connect to. */
export interface Backends {
  readonly databaseUrl: string;
  readonly replicaUrl: string;
  readonly redisUrl: string;
}

export interface TopologyOptions {
  /** For data and logs, not there yet or empty, and kept. Left out: one among the temporary files, which goes at the end. */
  readonly folder?: string;
  /** Of nginx. Left out: a free one. */
  readonly port?: number;
  /** Left out: 3. */
  readonly nodes?: number;
  /** Left out: 3, which is the least. */
  readonly redisMasters?: number;
  /** Whether Postgres forces to disk what it commits. Left out: true. */
  readonly durable?: boolean;
  /** Settings of each node beside those that connect them, or in their place (through a proxy, say). */
  readonly env?: (node: { readonly id: string; readonly index: number } & Backends) => NodeJS.ProcessEnv;
  /** Told what is up, as it comes up. */
  readonly log?: (line: string) => void;
}

/** All on 127.0.0.1, each in a process of its own, to kill, freeze and start again by itself. */
export interface Topology extends Backends, AsyncDisposable {
  /** Of nginx, without a slash at its end: where clients connect. */
  readonly url: string;
  readonly folder: string;
  readonly nginx: ManagedProcess;
  readonly nodes: readonly NodeProcess[];
  readonly primary: PostgresProcess;
  readonly replica: PostgresProcess;
  readonly redis: readonly ManagedProcess[];
  /** Lets all end, the nodes first, and kills what does not. */
  close(): Promise<void>;
}

const stopWithinMs = 20_000;

/**
 * Starts what a large installation has: nginx in front of several nodes, Postgres with a streaming replica, a Redis Cluster.
 * All of it serves when it comes back. Where a part does not start, what did is taken down again.
 * @throws MissingPrograms
 */
export async function startTopology(options: TopologyOptions = {}): Promise<Topology> {
  const programs = await findPrograms();
  const port = options.port ?? (await freePort());
  if (!(await isFree(port))) throw new Error(`Port ${port} is taken. Choose another: --port PORT`);
  await using resources = new AsyncDisposableStack();
  const folder = await openFolder(options.folder, resources);
  const say = options.log ?? (() => undefined);
  const keep = <Process extends ManagedProcess>(process: Process): Process => {
    resources.defer(() => end(process));
    say(`${process.name} is up (process ${process.pid}, port ${process.port})`);
    return process;
  };

  const starting = [
    startPostgresPair({ folder, programs, durable: options.durable ?? true }).then(({ primary, replica }) => ({
      primary: keep(primary),
      replica: keep(replica),
    })),
    startRedisCluster({ folder, programs, masters: options.redisMasters ?? 3 }).then(({ masters, url }) => ({
      redis: masters.map(keep),
      redisUrl: url,
    })),
  ] as const;
  // One of the two may fail while the other is still on its way up.
  await Promise.allSettled(starting);
  const [{ primary, replica }, { redis, redisUrl }] = await Promise.all(starting);
  const backends: Backends = { databaseUrl: primary.url, replicaUrl: replica.url, redisUrl };

  const url = `http://127.0.0.1:${port}`;
  const named: { id: string; port: number }[] = [];
  for (let index = 0; index < (options.nodes ?? 3); index += 1)
    named.push({ id: `node-${index + 1}`, port: await freePort() });
  const nginx = keep(await startNginx({ folder, programs, port, nodes: named }));
  const nodes: NodeProcess[] = [];
  // One after the other: the first migrates the database.
  for (const [index, node] of named.entries()) {
    const env = {
      ...environmentOf(backends, `${url}/nodes/${node.id}`),
      ...options.env?.({ ...backends, ...node, index }),
    };
    nodes.push(keep(await startNode({ folder, ...node, env })));
  }

  const opened = resources.move();
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= opened.disposeAsync());
  return { ...backends, url, folder, nginx, nodes, primary, replica, redis, close, [Symbol.asyncDispose]: close };
}

/** A folder that the account of Postgres can pass through, and nobody but the owner can read. */
async function openFolder(given: string | undefined, resources: AsyncDisposableStack): Promise<string> {
  if (given !== undefined) {
    await mkdir(given, { recursive: true, mode: 0o711 });
    return given;
  }
  const folder = await mkdtemp(join(tmpdir(), "causerie-cluster-"));
  await chmod(folder, 0o711);
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

function environmentOf({ databaseUrl, replicaUrl, redisUrl }: Backends, publicUrl: string): NodeJS.ProcessEnv {
  return {
    DATABASE_URL: databaseUrl,
    DATABASE_REPLICA_URLS: replicaUrl,
    REDIS_URL: redisUrl,
    PUBLIC_URL: publicUrl,
    TRUSTED_PROXIES: "1",
  };
}

async function end(process: ManagedProcess): Promise<void> {
  process.resume();
  const timer = setTimeout(() => void process.kill(), stopWithinMs);
  await process.stop();
  clearTimeout(timer);
}
