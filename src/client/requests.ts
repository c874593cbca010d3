import type { Clock } from "./clock.ts";
import type { Connection } from "./connection.ts";
import type { LinkState } from "./connector.ts";
import { withDeadline } from "./deadline.ts";
import type { TypedDocumentString } from "./generated/operations.ts";
import { whenFits, type Observable } from "./observable.ts";
import { ConnectionLostError } from "./operation-error.ts";

/** How long a request may take (30 s unless given), what ends it, and whether it may be repeated. */
export interface RequestOptions {
  signal?: AbortSignal;
  /** The wait for a connection counts too. */
  timeoutMs?: number;
  /**
   * Whether it may be sent again when the connection was lost before the answer. Unless given, queries are and mutations are not:
   * give true for a mutation that says what shall be, not what shall be added.
   */
  isRepeatable?: boolean;
}

/** Queries and mutations, over whichever connection there is. */
export interface Requests {
  /**
   * Waits for a connection, and asks again over the next one where it is lost before the answer.
   * @throws OperationError, ConnectionLostError (what is not repeatable), or an Error when the time is over
   */
  ask<Data, Variables>(
    this: void,
    document: TypedDocumentString<Data, Variables>,
    variables: Variables,
    options?: RequestOptions,
  ): Promise<Data>;
}

export function createRequests(options: {
  link: Observable<LinkState>;
  clock: Clock;
  /** Ends every request. */
  life: AbortSignal;
}): Requests {
  const { link, clock, life } = options;
  return {
    async ask(document, variables, { signal, timeoutMs = 30_000, isRepeatable = !isMutation(document) } = {}) {
      return withDeadline({ clock, timeoutMs, signal, life }, async (cut) => {
        for (;;) {
          const connection = await openLink(link, cut);
          try {
            return await connection.execute(document, variables, cut);
          } catch (error) {
            if (!isRepeatable || !(error instanceof ConnectionLostError)) throw error;
            // Not the same one again, should its end not be known yet.
            await connection.ended;
          }
        }
      });
    },
  };
}

/** The open connection, now or as soon as there is one. Rejects when `signal` aborts. */
export async function openLink(link: Observable<LinkState>, signal: AbortSignal): Promise<Connection> {
  const state = await whenFits(link, isOpen, signal);
  if (state.status !== "open") throw new Error("Unreachable.");
  return state.connection;
}

function isOpen(state: LinkState): boolean {
  return state.status === "open" && state.connection.isOpen;
}

function isMutation(document: { toString(): string }): boolean {
  return /^\s*mutation\b/m.test(document.toString());
}
