import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Client } from "pg";
import { afterEach, expect, onTestFinished, test } from "vitest";
import { repairSymlinks } from "../../src/database/embedded-binaries.ts";
import { isPostmasterOf } from "../../src/database/embedded-postmaster.ts";
import {
  end,
  endOwners,
  newDataDir,
  newDatabase,
  openIn,
  postgresPidIn,
  spawnOwner,
  type Owner,
} from "../support/embedded-owner.ts";

const isRoot = process.getuid?.() === 0;

afterEach(endOwners);

test("what was committed survives a restart, which takes less than 5 s", async () => {
  const dataDir = await newDataDir();
  const first = await openIn(dataDir);
  await query(first.url, "CREATE TABLE kept AS SELECT 1 AS id");
  expect(await end(first.child, "SIGTERM")).toBe(0);
  expect(await runsPostgres(first)).toBe(false);

  const start = performance.now();
  const second = await openIn(dataDir);
  const tookMs = performance.now() - start;
  console.log(`Start of a process with its embedded database, after the first time: ${Math.round(tookMs)} ms`);
  expect(await query(second.url, "SELECT id FROM kept")).toEqual([{ id: 1 }]);
  expect(tookMs).toBeLessThan(5_000);
});

test("Postgres listens on the loopback alone, asks for a password that only its owner can read, and syncs commits", async () => {
  const dataDir = await newDatabase();
  const { url } = await openIn(dataDir);
  expect(
    await query(
      url,
      `SELECT current_setting('listen_addresses') AS address, current_setting('unix_socket_directories') AS sockets,
              current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
              current_setting('server_encoding') AS encoding, current_setting('TimeZone') AS zone`,
    ),
  ).toEqual([{ address: "127.0.0.1", sockets: "", fsync: "on", commit: "on", encoding: "UTF8", zone: "UTC" }]);
  const wrong = new URL(url);
  wrong.password = "wrong";
  await expect(query(wrong.href, "SELECT 1")).rejects.toThrow("password authentication failed");
  expect((await stat(join(dataDir, "database", "password"))).mode & 0o777).toBe(0o600);
});

test("a start after kill -9 of the owner stops the Postgres left behind, and nothing committed is lost", async () => {
  const dataDir = await newDatabase();
  const first = await openIn(dataDir);
  await query(first.url, "CREATE TABLE kept AS SELECT 1 AS id");
  await end(first.child, "SIGKILL");
  expect(await runsPostgres(first)).toBe(true);

  const second = await openIn(dataDir);
  expect(second.logged.join()).toContain(`process ${first.postgresPid}) that an earlier start left behind`);
  expect(await runsPostgres(first)).toBe(false);
  expect(await query(second.url, "SELECT id FROM kept")).toEqual([{ id: 1 }]);
});

test("a start after kill -9 of the owner and of Postgres loses nothing committed", async () => {
  const dataDir = await newDatabase();
  const first = await openIn(dataDir);
  await query(first.url, "CREATE TABLE kept AS SELECT 1 AS id");
  await end(first.child, "SIGKILL");
  process.kill(first.postgresPid, "SIGKILL");

  const second = await openIn(dataDir);
  expect(await query(second.url, "SELECT id FROM kept")).toEqual([{ id: 1 }]);
});

test("a pid file whose number went to another process stops neither that process nor the start", async () => {
  const dataDir = await newDatabase();
  const first = await openIn(dataDir);
  await query(first.url, "CREATE TABLE kept AS SELECT 1 AS id");
  await end(first.child, "SIGTERM");

  const cluster = join(dataDir, "database", "cluster");
  const account = await stat(cluster);
  // Of the same user as Postgres, which then takes it for a Postgres of its own and refuses to start.
  const sleeper = spawn("sleep", ["600"], { ...(isRoot ? { uid: account.uid, gid: account.gid } : {}), cwd: "/" });
  onTestFinished(() => void sleeper.kill());
  const otherPostgres = await openIn(await newDatabase());
  for (const innocent of [sleeper.pid ?? 0, otherPostgres.postgresPid]) {
    await writeFile(join(cluster, "postmaster.pid"), `${innocent}\n${cluster}\n1700000000\n5432\n\n\n\nready   \n`);
    const next = await openIn(dataDir);
    expect(await query(next.url, "SELECT id FROM kept")).toEqual([{ id: 1 }]);
    await end(next.child, "SIGTERM");
  }
  expect(sleeper.exitCode ?? sleeper.signalCode).toBeNull();
  expect(await query(otherPostgres.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  expect(await runsPostgres(otherPostgres)).toBe(true);
});

test("a second start on the same folder names the folder and the first process, fails and changes nothing", async () => {
  const dataDir = await newDatabase();
  const first = await openIn(dataDir);
  const before = await changeTimes(dataDir);

  const second = await failIn(dataDir);
  expect(second).toContain(`${dataDir} is in use by process ${first.child.pid}`);
  expect(await changeTimes(dataDir)).toEqual(before);
  expect(await postgresPidIn(dataDir)).toBe(first.postgresPid);
  expect(await query(first.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

// Linux alone has a folder that takes no folders and says so as if it were not there.
test.runIf(process.platform === "linux")(
  "a folder that cannot be made is told, with the setting that names it",
  async () => {
    expect(await failIn("/proc/nowhere/data")).toContain("/proc takes no folders. Set DATA_DIR to another.");
  },
);

test("of many starts at once on a new folder one has it and the others are told who", async () => {
  const dataDir = await newDataDir();
  const starts = await Promise.allSettled([1, 2, 3, 4].map(() => openIn(dataDir)));
  const winners = starts.filter((start) => start.status === "fulfilled");
  expect(winners).toHaveLength(1);
  for (const start of starts) {
    if (start.status === "rejected") expect(String(start.reason)).toContain(`${dataDir} is in use by`);
  }
  expect(await query(winners[0]!.value.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
});

test("a start that is killed while it makes the database leaves nothing in the way of the next", async () => {
  const dataDir = await newDataDir();
  const child = spawnOwner(dataDir);
  await once(createInterface(child.stdout!), "line");
  await end(child, "SIGKILL");
  const next = await openIn(dataDir);
  expect(await query(next.url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);
  expect((await readdir(join(dataDir, "database"))).filter((name) => name.includes("unfinished"))).toEqual([]);
});

test("Ctrl-C in the terminal leaves Postgres to its owner, who finishes first and then stops it", async () => {
  const owner = await openIn(await newDatabase());
  // A terminal signals the whole process group.
  process.kill(-owner.child.pid!, "SIGINT");
  const [code] = await once(owner.child, "close");
  expect(code).toBe(0);
  expect(owner.news).toContainEqual({ drained: 42 });
  expect(owner.logged).not.toContainEqual(expect.stringContaining("Connection lost"));
  expect(await runsPostgres(owner)).toBe(false);
});

test("a Postgres that is killed is started again under the same URL", async () => {
  const owner = await openIn(await newDatabase());
  await query(owner.url, "CREATE TABLE kept AS SELECT 1 AS id");
  process.kill(owner.postgresPid, "SIGKILL");
  await owner.untilLogged("runs again");
  expect(await query(owner.url, "SELECT id FROM kept")).toEqual([{ id: 1 }]);
  expect(await end(owner.child, "SIGTERM")).toBe(0);
});

test("a start that fails shows the end of Postgres' own log", async () => {
  const dataDir = await newDatabase();
  const first = await openIn(dataDir);
  await end(first.child, "SIGTERM");
  await writeFile(join(dataDir, "database", "cluster", "PG_VERSION"), "12\n");
  const said = await failIn(dataDir);
  expect(said).toContain("database files are incompatible with server");
  expect(said).toContain(join(dataDir, "database", "postgres.log"));
});

test("an install without scripts is mended: the links between the libraries are made", async () => {
  const root = await mkdtemp(join(tmpdir(), "causerie-package-"));
  try {
    await mkdir(join(root, "native", "lib"), { recursive: true });
    const links = [{ source: "native/lib/libpq.so.5.18", target: "native/lib/libpq.so.5" }];
    await writeFile(join(root, "native", "pg-symlinks.json"), JSON.stringify(links));
    await repairSymlinks(root);
    await repairSymlinks(root);
    expect(await readlink(join(root, "native", "lib", "libpq.so.5"))).toBe("libpq.so.5.18");
  } finally {
    await rm(root, { recursive: true });
  }
});

async function runsPostgres({ dataDir, postgresPid }: Owner): Promise<boolean> {
  return isPostmasterOf(postgresPid, join(dataDir, "database", "cluster"));
}

async function failIn(dataDir: string): Promise<string> {
  return openIn(dataDir).then(
    () => expect.fail("It started."),
    (error: Error) => error.message,
  );
}

async function changeTimes(dataDir: string): Promise<Record<string, number>> {
  const paths = ["lock", "lock.pid", "database", "database/password", "database/postgres.log", "database/cluster"];
  const stats = await Promise.all(
    paths.map(async (path) => [path, (await stat(join(dataDir, path))).ctimeMs] as const),
  );
  return Object.fromEntries(stats);
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}
