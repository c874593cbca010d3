import { forbidden, Refusal, type RefusalCode, unauthenticated } from "../errors.ts";
import type { Connection, Context, Viewer } from "../graphql/builder.ts";
import { newId } from "../log/ids.ts";
import { bearer, type Authentication, type Identity } from "./authentication.ts";
import type { Connections, UserConnection } from "./connections.ts";
import type { Deadlines, Due } from "./deadlines.ts";

/** What the sessions of a door have in common. */
export type SessionDoor = {
  readonly authentication: Authentication;
  readonly signIn: (identity: Identity) => Promise<Viewer>;
  readonly newContext: (viewer: Viewer, connection: Connection) => Context;
  readonly connections: Connections;
  readonly deadlines: Deadlines<Session>;
  readonly now: () => number;
  /** A client was let in, with these connection parameters. */
  readonly onOpened?: (connection: { id: string; userId: string; params: Readonly<Record<string, unknown>> }) => void;
  /** The same client is gone. */
  readonly onClosed?: (connectionId: string) => void;
};

type OnRefused = (code: RefusalCode) => void;

/** Who is at the other end of a WebSocket, and until when. */
export class Session implements Connection, Due {
  /** Until when it must begin; once begun, until when its token lasts. */
  dueAtMs: number;
  readonly #door: SessionDoor;
  readonly #socket: UserConnection;
  #id: string | undefined;
  #viewer: Viewer | undefined;
  #ended = false;

  constructor(door: SessionDoor, { socket, beginTimeoutMs }: { socket: UserConnection; beginTimeoutMs: number }) {
    this.#door = door;
    this.#socket = socket;
    this.dueAtMs = door.now() + beginTimeoutMs;
    door.deadlines.add(this);
  }

  get id(): string {
    return (this.#id ??= newId());
  }

  get isOpen(): boolean {
    return !this.#ended;
  }

  get viewer(): Viewer | undefined {
    return this.#viewer;
  }

  /** Whether the client may come in. The token is in `connectionParams.authorization`, as `Bearer …`. */
  async begin(connectionParams: Record<string, unknown> | undefined, onRefused: OnRefused): Promise<boolean> {
    // It came in time; the issuer's keys may take longer.
    this.dueAtMs = Infinity;
    const token = bearer(connectionParams?.authorization ?? connectionParams?.Authorization);
    try {
      if (token === null) throw unauthenticated();
      const identity = await this.#door.authentication.verify(token);
      const viewer = await this.#door.signIn(identity);
      if (this.#ended) return false;
      this.#enter(viewer, identity, connectionParams ?? {});
      return true;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      onRefused(error.code);
      return false;
    }
  }

  #enter(viewer: Viewer, { expiresAt }: Identity, params: Readonly<Record<string, unknown>>): void {
    if (!this.#door.connections.add(viewer.id, this.#socket)) {
      // Stock clients try again later: another tab may be closed by then.
      this.#socket.end(4008, "Too many sockets");
      throw new Refusal("RATE_LIMITED", "Too many sockets");
    }
    this.#viewer = viewer;
    this.#lastUntil(expiresAt);
    this.#door.onOpened?.({ id: this.id, userId: viewer.id, params });
  }

  async refresh(token: string): Promise<number> {
    const identity = await this.#door.authentication.verify(token);
    if (identity.userId !== this.#viewer?.id) throw forbidden("This is another user's token.", ["token"]);
    this.#viewer = await this.#door.signIn(identity);
    if (!this.#ended) this.#lastUntil(identity.expiresAt);
    return identity.expiresAt.getTime();
  }

  #lastUntil(time: Date): void {
    this.dueAtMs = time.getTime();
    this.#door.deadlines.add(this);
  }

  /** Its time is over. */
  due(): void {
    if (this.#viewer) this.#socket.end(4403, "Token expired");
    else this.#socket.end(4408, "Connection initialisation timeout");
  }

  /** @throws Refusal UNAUTHENTICATED */
  newContext(): Context {
    if (!this.#viewer || this.#door.now() >= this.dueAtMs) throw unauthenticated();
    return this.#door.newContext(this.#viewer, this);
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#door.deadlines.delete(this);
    if (!this.#viewer) return;
    this.#door.connections.delete(this.#viewer.id, this.#socket);
    this.#door.onClosed?.(this.id);
  }
}
