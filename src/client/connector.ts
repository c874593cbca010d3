import { createBackoff, type Backoff, type BackoffOptions } from "./backoff.ts";
import { callSafely } from "./call-safely.ts";
import type { Clock } from "./clock.ts";
import { openConnection, type Connection, type ConnectionOptions, type Ending } from "./connection.ts";
import { withDeadline } from "./deadline.ts";
import type { PresenceStatus } from "./generated/operations.ts";
import type { NodeFinder } from "./node-finder.ts";
import { createVariable, type Observable } from "./observable.ts";
import { pause } from "./pause.ts";
import { readToken } from "./token.ts";

/** `offline`: not started, or waiting for the next try. */
export type LinkState =
  | { status: "offline"; reason: string | undefined }
  | { status: "connecting" }
  | { status: "open"; connection: Connection };

export interface ConnectorOptions {
  /** Asked before each try: servers may move. */
  resolveUrl: () => Promise<string>;
  /** The node to go to first, at its own address; where there is none, or it does not let the client in, it is `resolveUrl`'s. */
  findNode: NodeFinder;
  /** Asked before each try, so that a token that ended, or that the server refused, is not sent again. */
  getToken: () => Promise<string>;
  userId: string;
  device: "WEB" | "MOBILE" | "DESKTOP";
  /** What the user's presence is to be, asked before each try. */
  getStatus: () => PresenceStatus;
  webSocketImpl: typeof WebSocket;
  clock: Clock;
  backoff: BackoffOptions | undefined;
  /** So long after address and token are there a try has come to nothing. */
  connectTimeoutMs: number;
  pingAfterMs: number;
  pongWithinMs: number;
  /** With each new connection, before anybody else uses it, and the token that opened it. */
  onOpen: (connection: Connection, token: string) => void;
  /** A node that did not let the client in. */
  onFault: (error: unknown) => void;
}

/** The app may have to ask a server of its own, or the user, for a token. */
const provideWithinMs = 30_000;

/** Keeps a connection to the server: opens another one whenever it ends, without limit, whatever the reason was. */
export class Connector {
  readonly state: Observable<LinkState>;
  readonly #state = createVariable<LinkState>({ status: "offline", reason: undefined });
  readonly #options: ConnectorOptions;
  readonly #backoff: Backoff;
  #life: AbortController | undefined;
  #waiting: AbortController | undefined;
  /** The node whose connection has not served its purpose yet. */
  #unprovenNode: string | undefined;

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#backoff = createBackoff(options.backoff);
    this.state = this.#state;
  }

  start(): void {
    if (this.#life) return;
    this.#life = new AbortController();
    void this.#run(this.#life.signal);
  }

  /** Closes the connection and opens no other until `start`. */
  stop(): void {
    this.#life?.abort(new Error("The client was stopped."));
    this.#waiting?.abort();
    this.#life = undefined;
    this.#state.set({ status: "offline", reason: undefined });
  }

  /** The network may be back, or gone: ends the wait for the next try, and sees whether the open connection still lives. */
  wake(): void {
    const state = this.#state.get();
    if (state.status === "open") state.connection.check();
    this.#backoff.reset();
    this.#waiting?.abort();
  }

  /** The connection serves its purpose: the next failure is a first one. */
  noteHealthy(): void {
    this.#backoff.reset();
    this.#unprovenNode = undefined;
  }

  async #run(signal: AbortSignal) {
    while (!signal.aborted) {
      this.#state.set({ status: "connecting" });
      const reason = await this.#serve(signal);
      if (signal.aborted) return;
      this.#state.set({ status: "offline", reason });
      this.#waiting = new AbortController();
      await pause(this.#options.clock, this.#backoff.nextDelayMs(), this.#waiting.signal);
      this.#waiting = undefined;
    }
  }

  /** From one try to its end, which it gives in words. */
  async #serve(signal: AbortSignal): Promise<string> {
    try {
      const { clock, connectTimeoutMs, onOpen } = this.#options;
      const target = await withDeadline({ clock, timeoutMs: provideWithinMs, signal }, () => this.#ask());
      const open = (cut: AbortSignal) => this.#open(target, cut);
      const connection = await withDeadline({ clock, timeoutMs: connectTimeoutMs, signal }, open);
      const close = () => connection.close();
      signal.addEventListener("abort", close, { once: true });
      // The signal lives as long as the client, which may connect very often.
      void connection.ended.then(() => signal.removeEventListener("abort", close));
      if (signal.aborted) connection.close();
      callSafely(onOpen, connection, target.token);
      this.#state.set({ status: "open", connection });
      return inWords(await connection.ended);
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  async #ask(): Promise<Target> {
    const { getToken, resolveUrl, userId } = this.#options;
    const [url, token] = await Promise.all([resolveUrl(), getToken()]);
    const tokenUserId = readToken(token).userId ?? userId;
    if (tokenUserId !== userId) throw new Error(`The token is of ${tokenUserId}, the client is of ${userId}.`);
    return { url, token };
  }

  async #open({ url, token }: Target, signal: AbortSignal): Promise<Connection> {
    const { device, getStatus, webSocketImpl, clock, pingAfterMs, pongWithinMs } = this.#options;
    const connectionParams = { authorization: `Bearer ${token}`, device, status: getStatus() };
    const open = { connectionParams, webSocketImpl, clock, pingAfterMs, pongWithinMs };
    const node = await this.#options.findNode({ url, token }, signal);
    return (await this.#openAtNode(node, open, signal)) ?? openConnection({ ...open, url, signal });
  }

  /** Undefined where it does not let the client in, and where it did the last time, to no purpose: then any node will do. */
  async #openAtNode(node: string | undefined, open: OpenOptions, signal: AbortSignal): Promise<Connection | undefined> {
    const isUnproven = node === this.#unprovenNode;
    this.#unprovenNode = undefined;
    if (node === undefined || isUnproven) return undefined;
    const { clock, connectTimeoutMs } = this.#options;
    try {
      const timeoutMs = connectTimeoutMs / 2;
      const attempt = (cut: AbortSignal) => openConnection({ ...open, url: node, signal: cut });
      const connection = await withDeadline({ clock, timeoutMs, signal }, attempt);
      this.#unprovenNode = node;
      return connection;
    } catch (error) {
      signal.throwIfAborted();
      callSafely(this.#options.onFault, error);
      return undefined;
    }
  }
}

type Target = { url: string; token: string };
type OpenOptions = Omit<ConnectionOptions, "url" | "signal">;

function inWords({ code, reason }: Ending): string {
  return reason === "" ? `The connection ended with ${code}.` : `The connection ended with ${code}: ${reason}`;
}
