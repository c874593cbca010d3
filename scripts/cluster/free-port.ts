import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/** Free at present; nobody holds it until the server listens. Below those that the system gives to outgoing connections. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = 20_000 + randomInt(12_000);
    if (await isFree(port)) return port;
  }
  throw new Error("No free port from 20,000 to 31,999.");
}

/** Whether a server of this machine's could listen there now, on 127.0.0.1. */
export async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, "127.0.0.1");
  const free = await once(server, "listening").then(
    () => true,
    () => false,
  );
  if (!free) return false;
  server.close();
  await once(server, "close");
  return true;
}
