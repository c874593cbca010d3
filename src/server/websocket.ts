import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { handleProtocols, makeServer } from "graphql-ws";
import { WebSocket, WebSocketServer } from "ws";
import { standardLimits } from "../graphql/limits.ts";
import { ClientSocket, type SocketDoor } from "./client-socket.ts";
import { Deadlines } from "./deadlines.ts";
import type { OriginCheck } from "./origins.ts";
import { RequestRecord, requestIdOf } from "./requests.ts";
import type { Session } from "./session.ts";
import type { SocketArgs } from "./socket-operations.ts";
import { spread } from "./spread.ts";
import { Sweep } from "./sweep.ts";

const maxMessageBytes = 64 * 1024;
/** A message of the largest size may come in so many parts. */
const maxMessageParts = 256;
const standard = {
  beginTimeoutMs: 3_000,
  /** Twice this is how long a dead peer may stay: 10 s, with time to spare. */
  pingIntervalMs: 4_800,
  drainTimeoutMs: 30_000,
  /** A client that does not answer a close frame within this time is cut off. */
  closeTimeoutMs: 2_000,
  /** How long a socket that is to be closed waits for what runs on it. */
  finishTimeoutMs: 1_500,
  /** One operation of the largest cost, or a hundred small ones. */
  maxCostOfRunning: standardLimits.maxCost,
};
const pingSlices = 20;
/** The rest of an answer to whoever is not let in. */
const refused = "Connection: close\r\nContent-Length: 0\r\n\r\n";

export type WebSocketDoorOptions = Omit<SocketDoor, "deadlines" | keyof typeof standard> &
  Partial<typeof standard> & { isAllowedOrigin: OriginCheck };

export type WebSocketDoor = ReturnType<typeof openWebSocketDoor>;

/** GraphQL over WebSocket (subprotocol graphql-transport-ws). graphql-ws keeps the protocol; responses of the log's subscriptions are written by the hub. */
export function openWebSocketDoor({ isAllowedOrigin, ...options }: WebSocketDoorOptions) {
  const { pingIntervalMs, closeTimeoutMs, finishTimeoutMs, ...limits } = { ...standard, ...options };
  const deadlines = new Deadlines<Session>({ now: options.now, onDue: (session) => session.due() });
  const door: SocketDoor = { ...options, ...limits, deadlines };
  const sockets = new Sweep<ClientSocket>({
    intervalMs: pingIntervalMs,
    slices: pingSlices,
    visit: (socket) => socket.check(),
  });
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    maxFragments: maxMessageParts,
    maxBufferedChunks: 4 * maxMessageParts,
    closeTimeout: closeTimeoutMs,
    // Compression would cost more per delivery than all the rest.
    perMessageDeflate: false,
    clientTracking: false,
    WebSocket: DoorSocket,
    handleProtocols: (protocols) => handleProtocols(protocols),
  } as ConstructorParameters<typeof WebSocketServer>[0]);
  let size = 0;
  let isClosing = false;

  const protocol = makeServer<Record<string, unknown>, ClientSocket>({
    // The door's deadlines see to it, with one timer for all.
    connectionInitWaitTimeout: 0,
    async onConnect(context) {
      const { connectionParams, extra } = context;
      // It would keep the token as long as the socket.
      Object.assign(context, { connectionParams: undefined });
      const record = new RequestRecord(extra.requestId, "websocket");
      const isIn = await extra.session.begin(connectionParams, (code) => record.refused(code));
      if (record.code !== "OK") options.requests.ended(record);
      return isIn;
    },
    onSubscribe({ extra }, id, payload) {
      const prepared = extra.operations.prepare(id, payload);
      // graphql-ws keeps the message as long as the operation.
      Object.assign(payload, { query: "", variables: undefined });
      return prepared;
    },
    execute: (args) => (args as SocketArgs).owner.execute(args as SocketArgs),
    subscribe: (args) => (args as SocketArgs).owner.subscribe(args as SocketArgs) as never,
    onNext: ({ extra }, id, _payload, _args, { errors, ...result }) =>
      errors ? { ...result, errors: extra.operations.told(id, errors).map((error) => error.toJSON()) } : undefined,
    onError: ({ extra }, id, _payload, errors) => extra.operations.told(id, errors).map((error) => error.toJSON()),
  });

  server.on("headers", (headers, request) => headers.push(`X-Request-Id: ${String(request.headers["x-request-id"])}`));

  function accept(socket: DoorSocket, connection: Duplex, requestId: string): void {
    const client = new ClientSocket(door, socket, { connection, requestId });
    socket.client = client;
    sockets.add(client);
    size += 1;
    socket.on("message", onMessage);
    socket.on("ping", onPing);
    socket.on("pong", onPong);
    socket.on("error", onBrokenFrame);
    const closed = protocol.opened(client, client);
    socket.once("close", (code, reason) => {
      sockets.delete(client);
      size -= 1;
      client.closed();
      closed(code, reason.toString()).catch(options.onFault);
    });
  }

  return {
    upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void {
      if (isClosing) {
        connection.end(`HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\n${refused}`);
        return;
      }
      const requestId = requestIdOf(request.headers);
      const { origin, host } = request.headers;
      if (!isAllowedOrigin(origin, host)) {
        const record = new RequestRecord(requestId, "websocket");
        record.answered(403);
        options.requests.ended(record, { status: 403 });
        connection.end(`HTTP/1.1 403 Forbidden\r\nX-Request-Id: ${requestId}\r\n${refused}`);
        return;
      }
      request.headers["x-request-id"] = requestId;
      server.handleUpgrade(request, connection, head, (socket) => accept(socket as DoorSocket, connection, requestId));
    },

    get size() {
      return size;
    },

    /**
     * Lets nobody in any more, and closes all with 1012, one after the other: clients come back, here or elsewhere, and
     * resume. What runs on a socket is finished before, and no `complete` is sent to a subscription. Takes 10 s for many, and
     * as long as the slowest of the last ones for its goodbye.
     */
    async close(): Promise<void> {
      isClosing = true;
      const gone: Promise<void>[] = [];
      await spread(sockets, (client) => gone.push(client.restart(finishTimeoutMs)));
      await Promise.all(gone);
      sockets[Symbol.dispose]();
      deadlines[Symbol.dispose]();
      server.close();
    },
  };
}

/** The listeners are the same for all sockets: each finds what it is for by the socket. */
class DoorSocket extends WebSocket {
  declare client: ClientSocket;
}

function onMessage(this: WebSocket, data: unknown, isBinary: boolean): void {
  (this as DoorSocket).client.receive(data as Buffer, isBinary);
}

function onPing(this: WebSocket): void {
  (this as DoorSocket).client.count();
}

function onPong(this: WebSocket): void {
  (this as DoorSocket).client.heard();
}

function onBrokenFrame(): void {
  // A broken frame or connection: ws closes it, and `close` follows.
}
