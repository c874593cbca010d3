import { Client } from "pg";
import { openEmbeddedDatabase } from "../../src/database/embedded.ts";

// A program: opens the embedded database of the folder given and tells what happens, one JSON text a line, until SIGTERM or SIGINT.

type News = { log: string } | { url: string } | { drained: number };

const tell = (news: News) => console.log(JSON.stringify(news));

const [dataDir] = process.argv.slice(2);
if (!dataDir) throw new Error("Give the data folder.");
const database = await openEmbeddedDatabase({ dataDir, log: (log) => tell({ log }) });

const client = new Client({ connectionString: database.url });
// The tests kill Postgres too.
client.on("error", (error) => tell({ log: `Connection lost: ${error.message}` }));
await client.connect();

async function close(): Promise<void> {
  await client.end();
  await database.close();
  process.exit();
}

// What a server does at Ctrl-C: it finishes what it has begun before it closes the database.
async function drain(): Promise<void> {
  const { rows } = await client.query<{ sum: string }>("SELECT pg_sleep(0.5), 41 + 1 AS sum");
  tell({ drained: Number(rows[0]?.sum) });
  await close();
}

process.once("SIGTERM", () => void close());
process.once("SIGINT", () => void drain());
// The database keeps no process alive, as a server's open port does.
setInterval(() => undefined, 60_000);
tell({ url: database.url });
