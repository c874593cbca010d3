// What a client says and hears until it is subscribed, and to stay so, in each of the protocols.

/** A client's part of a protocol. Has no state, so that thousands of clients can share one. */
export interface Dialogue {
  readonly path: string;
  readonly subprotocol?: string;
  /** What to do once the WebSocket is open. */
  open(): Step;
  /** What to do on a frame that is no delivery. Throws when the server refuses. */
  hear(text: string): Step;
}

export interface Step {
  send?: string;
  /** From here on the server may deliver. */
  subscribed?: true;
}

const nothing: Step = {};

/** The subprotocol graphql-transport-ws, one subscription with the id 1. */
export function graphqlDialogue(options: {
  path: string;
  query: string;
  variables: Record<string, unknown>;
  connectionParams?: Record<string, unknown>;
}): Dialogue {
  const { path, query, variables, connectionParams } = options;
  const subscribe = JSON.stringify({ id: "1", type: "subscribe", payload: { query, variables } });
  return {
    path,
    subprotocol: "graphql-transport-ws",
    open: () => ({ send: JSON.stringify({ type: "connection_init", payload: connectionParams }) }),
    hear(text) {
      const message = JSON.parse(text) as { type: string; payload?: { errors?: unknown } };
      if (message.type === "connection_ack") return { send: subscribe, subscribed: true };
      if (message.type === "ping") return { send: '{"type":"pong"}' };
      if (message.type === "next" && !message.payload?.errors) return nothing;
      throw new Error(`The server says ${text}`);
    },
  };
}

/** Engine.IO 4 over a WebSocket only; joins a room by the event `join`, which the server acknowledges. */
export function socketIoDialogue(roomId: string): Dialogue {
  return {
    path: "/socket.io/?EIO=4&transport=websocket",
    open: () => nothing,
    hear(text) {
      if (text.startsWith("0{")) return { send: "40" };
      if (text.startsWith("40")) return { send: `420${JSON.stringify(["join", roomId])}` };
      if (text.startsWith("430")) return { subscribed: true };
      if (text === "2") return { send: "3" };
      throw new Error(`The server says ${text}`);
    },
  };
}

/** No protocol: the path says the room. */
export function bareDialogue(roomId: string): Dialogue {
  return {
    path: `/${roomId}`,
    open: () => ({ subscribed: true }),
    hear(text) {
      throw new Error(`The server says ${text}`);
    },
  };
}
