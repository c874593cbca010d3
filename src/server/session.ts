import type { GraphQLSchema } from "graphql";
import { forbidden, Refusal, unauthenticated } from "../errors.ts";
import type { Connection, Context, Viewer } from "../graphql/builder.ts";
import { newId } from "../log/ids.ts";
import { bearer, type Authentication, type Identity } from "./authentication.ts";
import { createTurns } from "./turns.ts";

/** Node's timers go no further. */
const maxTimerMs = 2_147_483_647;

export type SessionOptions = {
  schema: GraphQLSchema;
  authentication: Authentication;
  signIn: (identity: Identity) => Promise<Viewer>;
  newContext: (viewer: Viewer, connection: Connection | null) => Context;
  close: (code: number, reason: string) => void;
};

export type Session = ReturnType<typeof openSession>;

/** Who is at the other end of a WebSocket, until when, and in which order their mutations run. */
export function openSession({ authentication, signIn, newContext, close }: SessionOptions) {
  let viewer: Viewer | undefined;
  let expiresAt = 0;
  let expiry: NodeJS.Timeout | undefined;
  let ended = false;

  const connection: Connection = {
    id: newId(),
    async refresh(token) {
      const identity = await authentication.verify(token);
      if (identity.userId !== viewer?.id) throw forbidden("This is another user's token.", ["token"]);
      viewer = await signIn(identity);
      expireAt(identity.expiresAt);
      return identity.expiresAt.getTime();
    },
  };

  /** Whether the client may come in. The token is in `connectionParams.authorization`, as `Bearer …`. */
  async function begin(connectionParams: Record<string, unknown>): Promise<boolean> {
    const token = bearer(connectionParams.authorization ?? connectionParams.Authorization);
    if (token === null) return false;
    try {
      const identity = await authentication.verify(token);
      viewer = await signIn(identity);
      if (ended) return false;
      expireAt(identity.expiresAt);
      return true;
    } catch (error) {
      if (error instanceof Refusal) return false;
      throw error;
    }
  }

  function expireAt(time: Date): void {
    expiresAt = time.getTime();
    clearTimeout(expiry);
    const waitMs = Math.min(expiresAt - Date.now(), maxTimerMs);
    expiry = setTimeout(() => (Date.now() >= expiresAt ? close(4403, "Token expired") : expireAt(time)), waitMs);
  }

  return {
    begin,
    get viewer() {
      return viewer;
    },
    newContext(): Context {
      if (!viewer || Date.now() >= expiresAt) throw unauthenticated();
      return newContext(viewer, connection);
    },
    inTurn: createTurns(),
    end() {
      ended = true;
      clearTimeout(expiry);
    },
  };
}
