import type { TestProject } from "vitest/node";
import { installServers } from "./servers.ts";
import { removeDeadDataDirs } from "./postgres-folder.ts";
import { startPostgres } from "./postgres.ts";

/** One Postgres for the whole run; its test files each have a database in it. */
export default async function startForRun(project: TestProject): Promise<() => Promise<void>> {
  await installServers();
  await removeDeadDataDirs();
  const postgres = await startPostgres();
  project.provide("postgresUrl", postgres.url);
  return () => postgres.close();
}
