import type { Connection } from "./connection.ts";
import {
  SetPresenceDocument,
  type PresenceStatus,
  type SetPresenceInput,
  type SetPresenceMutation,
} from "./generated/operations.ts";
import { outcomeOf, type Outcome } from "./outcome.ts";
import { ConnectionLostError } from "./operation-error.ts";
import type { Presence } from "./presence-store.ts";
import type { Requests } from "./requests.ts";

/** What others see of the user. */
export interface OwnPresence {
  /**
   * What is left out stays, null clears; a `status` of null leaves it to `setIdle`. Status and current room are kept for this
   * client's later connections too. @throws OperationError, or an Error when there is no answer in time
   */
  set(this: void, input: Omit<SetPresenceInput, "device">): Promise<Outcome<Presence>>;
  /** The user has done nothing for a while, or is back: AWAY or ONLINE, unless they chose a status themselves. */
  setIdle(this: void, isIdle: boolean): void;
  /** What a connection begins with, so that others never see anything else of it. */
  begin(this: void): PresenceStatus;
  /** Tells the connection that began so what has changed meanwhile, and the current room. */
  renew(connection: Connection): Promise<void>;
}

export function createOwnPresence({
  requests,
  initialStatus,
  onFault,
}: {
  requests: Requests;
  initialStatus?: PresenceStatus;
  onFault: (error: unknown) => void;
}): OwnPresence {
  let chosen = initialStatus;
  let begunWith: PresenceStatus | undefined;
  let currentRoomId: string | null | undefined;
  let isIdle = false;
  let connection: Connection | undefined;

  const status = (): PresenceStatus => chosen ?? (isIdle ? "AWAY" : "ONLINE");

  /** A room that the user is no longer in is forgotten, whatever else there is to tell. */
  function take({ setPresence }: SetPresenceMutation, told: string | null | undefined): Outcome<Presence> {
    const outcome = outcomeOf(setPresence.presence, setPresence.userErrors);
    if (!outcome.ok && outcome.code === "NOT_FOUND" && currentRoomId === told) currentRoomId = null;
    return outcome;
  }

  /** Once more without the room that is no longer there. */
  async function say(send: (input: SetPresenceInput) => Promise<SetPresenceMutation>, input: SetPresenceInput = {}) {
    const told = currentRoomId;
    const outcome = take(await send({ ...input, status: status(), currentRoomId }), told);
    const isGone = !outcome.ok && outcome.code === "NOT_FOUND" && !input.currentRoomId && told;
    return isGone ? take(await send({ ...input, status: status(), currentRoomId }), currentRoomId) : outcome;
  }

  async function tell() {
    const opened = connection;
    if (!opened?.isOpen) return;
    try {
      const outcome = await say((input) => opened.execute(SetPresenceDocument, { input }));
      if (!outcome.ok) onFault(new Error(`The presence was not told: ${outcome.message}`));
    } catch (error) {
      // The next connection is told anew.
      if (!(error instanceof ConnectionLostError)) onFault(error);
    }
  }

  return {
    async set(input) {
      if (input.status !== undefined) chosen = input.status ?? undefined;
      if (input.currentRoomId !== undefined) currentRoomId = input.currentRoomId;
      return say((all) => requests.ask(SetPresenceDocument, { input: all }, { isRepeatable: true }), input);
    },
    setIdle(next) {
      if (next === isIdle) return;
      isIdle = next;
      if (chosen === undefined) void tell();
    },
    begin: () => (begunWith = status()),
    async renew(opened) {
      connection = opened;
      if (status() !== begunWith || currentRoomId) await tell();
    },
  };
}
