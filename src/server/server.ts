import type { AddressInfo } from "node:net";
import type { HttpDoor } from "./http.ts";
import type { WebSocketDoor } from "./websocket.ts";

/** Requests that are still running when the server closes have this long. */
const closeTimeoutMs = 2_000;

export type OpenServer = AsyncDisposable & {
  /** Where it listens, without a slash at its end. */ readonly url: string;
};

/**
 * Listens. Closing ends the open sockets and event streams (which the HTTP server would wait for, for ever), then the running
 * requests.
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
    if ((request.url ?? "").split("?", 1)[0] !== "/graphql") {
      connection.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
      return;
    }
    websocket.upgrade(request, connection, head);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address() as AddressInfo;
  const name = host === "0.0.0.0" || host === "::" ? "localhost" : host.includes(":") ? `[${host}]` : host;

  async function close(): Promise<void> {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    http.close();
    await websocket.close();
    server.closeIdleConnections();
    const timer = setTimeout(() => server.closeAllConnections(), closeTimeoutMs);
    await closed;
    clearTimeout(timer);
  }

  return { url: `http://${name}:${address.port}`, [Symbol.asyncDispose]: close };
}
