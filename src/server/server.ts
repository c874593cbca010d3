import type { AddressInfo } from "node:net";
import type { HttpDoor } from "./http.ts";
import type { WebSocketDoor } from "./websocket.ts";

/** Requests that are still running when all sockets and streams were sent away have this long, or what is left of all the time. */
const finishTimeoutMs = 2_000;
const closeTimeoutMs = 13_500;

export type OpenServer = AsyncDisposable & {
  /** Where it listens, without a slash at its end. */ readonly url: string;
};

/**
 * Listens. Closing sends the clients away: sockets and event streams one after the other, while requests are served, then it
 * stops listening and lets the running requests end. About 13.5 s at most.
 */
export async function openServer({
  http,
  websocket,
  port,
  host,
}: {
  http: HttpDoor;
  websocket: WebSocketDoor;
  port: number;
  host: string;
}): Promise<OpenServer> {
  const { server } = http;
  server.on("upgrade", (request, connection, head) => {
    connection.on("error", () => connection.destroy());
    websocket.upgrade(request, connection, head);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host;

  async function close(): Promise<void> {
    const endMs = performance.now() + closeTimeoutMs;
    await Promise.all([http.leave(), websocket.close()]);
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const leftMs = Math.min(finishTimeoutMs, endMs - performance.now());
    const timer = setTimeout(() => server.closeAllConnections(), leftMs);
    await closed;
    clearTimeout(timer);
  }

  return { url: `http://${name}:${address.port}`, [Symbol.asyncDispose]: close };
}
