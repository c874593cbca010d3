import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import {
  execute,
  getOperationAST,
  Kind,
  type ExecutionArgs,
  type GraphQLError,
  type OperationDefinitionNode,
} from "graphql";
import { handleProtocols, makeServer } from "graphql-ws";
import { WebSocketServer, type WebSocket } from "ws";
import { invalid } from "../errors.ts";
import type { Context } from "../graphql/builder.ts";
import type { Operations } from "../graphql/operations.ts";
import { utf8Bytes } from "../log/payload.ts";
import type { OriginCheck } from "./origins.ts";
import { openSession, type Session, type SessionOptions } from "./session.ts";
import type { OpenSink } from "./sinks.ts";
import { SocketSink, type SinkSocket } from "./socket-sink.ts";
import { SocketWriter } from "./socket-writer.ts";
import type { Subscribe } from "./subscribe.ts";

const maxMessageBytes = 64 * 1024;
const pingIntervalMs = 5_000;

export type WebSocketDoorOptions = Omit<SessionOptions, "close"> & {
  operations: Operations;
  subscribe: Subscribe;
  mask: (error: unknown) => GraphQLError;
  isAllowedOrigin: OriginCheck;
  maxBufferedBytes: number;
  onFault: (fault: unknown) => void;
};

type Extra = SinkSocket & { session: Session };
type SocketContext = Context & { session: Session; openSink?: () => OpenSink };
type Args = ExecutionArgs & { contextValue: SocketContext };

export type WebSocketDoor = ReturnType<typeof openWebSocketDoor>;

/** GraphQL over WebSocket (subprotocol graphql-transport-ws). graphql-ws keeps the protocol; responses of the log's subscriptions are written by the hub. */
export function openWebSocketDoor(options: WebSocketDoorOptions) {
  const { operations, subscribe, mask, isAllowedOrigin, maxBufferedBytes, onFault } = options;
  const sockets = new Set<{ socket: WebSocket; alive: boolean; close: (code: number, reason: string) => void }>();
  // Compression would cost more per delivery than all the rest.
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    clientTracking: false,
    handleProtocols: (protocols) => handleProtocols(protocols),
  });

  const protocol = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: 3_000,
    onConnect: async ({ connectionParams, extra }) => extra.session.begin(connectionParams ?? {}),
    onSubscribe: ({ extra }, id, payload) => prepare(extra, id, payload),
    execute: (args) => executeInTurn(args as Args),
    subscribe: (args) => subscribe(args) as never,
    onNext: (_context, _id, _payload, _args, { errors, ...result }) =>
      errors ? { ...result, errors: errors.map((error) => mask(error).toJSON()) } : undefined,
  });

  function executeInTurn(args: Args) {
    const operation = getOperationAST(args.document, args.operationName)!;
    if (operation.operation !== "mutation") return execute(args);
    return args.contextValue.session.inTurn(isSend(operation), () => execute(args));
  }

  /** Errors are returned, not thrown: thrown ones would close the socket for good. */
  async function prepare(
    extra: Extra,
    id: string,
    payload: { query: string; operationName?: string | null; variables?: Record<string, unknown> | null },
  ) {
    try {
      const document = operations.parse(payload.query);
      const errors = operations.validate(document);
      if (errors.length > 0) return errors;
      const operation = getOperationAST(document, payload.operationName);
      if (!operation) throw invalid("No such operation in the document.", ["operationName"]);
      const contextValue: SocketContext = { ...extra.session.newContext(), session: extra.session };
      if (operation.operation === "subscription") contextValue.openSink = () => new SocketSink(id, extra);
      const args: Args = {
        schema: options.schema,
        document,
        operationName: payload.operationName,
        variableValues: payload.variables,
        contextValue,
      };
      return args;
    } catch (error) {
      return [mask(error)];
    }
  }

  function accept(socket: WebSocket, connection: Duplex): void {
    const writer = new SocketWriter(connection, { maxBufferedBytes });
    const sinks = new Map<string, OpenSink>();
    const close = (code: number, reason: string) => {
      writer.flush();
      socket.close(code, reason);
    };
    const entry = { socket, alive: true, close };
    const session = openSession({ ...options, close });
    const extra: Extra = {
      session,
      sinks,
      writer,
      mask,
      tooSlow: () => {
        socket.close(1013, "Too slow");
        // What waits for the client may wait for ever.
        setTimeout(() => socket.terminate(), 1_000).unref();
      },
    };
    sockets.add(entry);
    let receive: (data: string) => Promise<void> = async () => {};
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (data) => {
          writer.send(utf8Bytes(data));
        },
        close,
        onMessage: (callback) => (receive = callback),
      },
      extra,
    );
    socket.on("message", (data: Buffer) => {
      entry.alive = true;
      const text = data.toString();
      endCompleted(text, sinks);
      receive(text).catch((fault: unknown) => {
        onFault(fault);
        close(1013, "Try again later");
      });
    });
    socket.on("pong", () => (entry.alive = true));
    socket.on("error", () => {
      // A broken frame or connection; `close` follows.
    });
    socket.once("close", (code, reason) => {
      sockets.delete(entry);
      for (const sink of sinks.values()) sink.close();
      session.end();
      closed(code, reason.toString()).catch(onFault);
    });
  }

  const pinging = setInterval(() => {
    for (const entry of sockets) {
      if (!entry.alive) entry.socket.terminate();
      entry.alive = false;
      entry.socket.ping();
    }
  }, pingIntervalMs);

  return {
    upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void {
      if (!isAllowedOrigin(request.headers.origin, request.headers.host)) {
        connection.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        return;
      }
      server.handleUpgrade(request, connection, head, (socket) => accept(socket, connection));
    },
    get size() {
      return sockets.size;
    },
    /** Closes all with 1012: clients come back, here or elsewhere, and resume. No `complete` is sent. */
    async close(): Promise<void> {
      clearInterval(pinging);
      const closing = [...sockets].map(({ socket, close }) => {
        const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
        close(1012, "Restarting");
        const timer = setTimeout(() => socket.terminate(), 1_000);
        return closed.finally(() => clearTimeout(timer));
      });
      await Promise.all(closing);
      server.close();
    },
  };
}

/** The room log keeps the order of sends that arrive one after the other. */
function isSend({ selectionSet }: OperationDefinitionNode): boolean {
  return selectionSet.selections.every(
    (selection) => selection.kind === Kind.FIELD && selection.name.value === "sendMessage",
  );
}

/**
 * The client wants no more of an operation. graphql-ws hears of it too, but while the operation is still being opened it
 * would only notice afterwards.
 */
function endCompleted(text: string, sinks: Map<string, OpenSink>): void {
  if (text.length > 1_000 || !text.includes('"complete"') || sinks.size === 0) return;
  try {
    const message = JSON.parse(text) as { type?: unknown; id?: unknown } | null;
    if (message?.type === "complete" && typeof message.id === "string") sinks.get(message.id)?.close();
  } catch {
    // graphql-ws says what is wrong with it.
    return;
  }
}
