import { chown, cp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openCluster, type Cluster } from "../../src/database/embedded-cluster.ts";
import { startServer, type Server } from "../../src/database/embedded-server.ts";
import type { StopMode } from "../../src/database/embedded-postmaster.ts";
import { makeDataDir, removeDataDir } from "./postgres-folder.ts";

/** A primary and a replica that streams from it. */
export interface PostgresPair extends AsyncDisposable {
  readonly primaryUrl: string;
  readonly replicaUrl: string;
  stopReplica(mode: StopMode): Promise<void>;
  /** Under the same URL. */
  startReplica(): Promise<void>;
  readonly replicaPid: number;
}

const settings = { max_connections: 100, fsync: "off", full_page_writes: "off" };
const ignore = () => undefined;

/** The replica begins as a copy of the primary before its first start: the same system, with nothing written yet. */
export async function startPostgresPair(): Promise<PostgresPair> {
  const folders = [await makeDataDir(), await makeDataDir()] as const;
  const clusters: Cluster[] = [];
  for (const dataDir of folders) clusters.push(await openCluster({ dataDir, durable: false, log: ignore }));
  const [first, second] = clusters as [Cluster, Cluster];
  await copyCluster(first, second);
  const primary = await startServer({ cluster: first, settings, log: ignore });
  const followed = new URL(primary.url);
  const following = {
    ...settings,
    hot_standby: "on",
    primary_conninfo: `host=127.0.0.1 port=${followed.port} user=${followed.username} password=${followed.password}`,
  };
  const cluster = { ...second, passwordText: first.passwordText };
  let replica: Server = await startServer({ cluster, settings: following, log: ignore });
  const { url: replicaUrl, port } = replica;
  return {
    primaryUrl: primary.url,
    replicaUrl,
    get replicaPid() {
      return replica.pid;
    },
    stopReplica: (mode) => replica.stop(mode),
    async startReplica() {
      replica = await startServer({ cluster, settings: following, port, log: ignore });
    },
    async [Symbol.asyncDispose]() {
      await replica.stop("immediate");
      await primary.stop("immediate");
      for (const one of clusters) one.release();
      await Promise.all(folders.map(removeDataDir));
    },
  };
}

async function copyCluster(from: Cluster, to: Cluster): Promise<void> {
  const signal = join(to.cluster, "standby.signal");
  await rm(to.cluster, { recursive: true });
  await cp(from.cluster, to.cluster, { recursive: true, preserveTimestamps: true });
  await writeFile(signal, "");
  if (!to.account) return;
  await chownAll(to.cluster, to.account);
}

async function chownAll(folder: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  await chown(folder, uid, gid);
  for (const entry of await readdir(folder, { recursive: true })) await chown(join(folder, entry), uid, gid);
}
