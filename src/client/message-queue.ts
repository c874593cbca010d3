import type { BackoffOptions } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import type { LinkState } from "./connector.ts";
import { SendMessageDocument } from "./generated/operations.ts";
import type { Lock } from "./lock.ts";
import type { Observable } from "./observable.ts";
import { OfflineQueue } from "./offline-queue.ts";
import { ConnectionLostError, OperationError } from "./operation-error.ts";
import type { OutgoingMessage } from "./queued-message.ts";
import type { Message } from "./room-event.ts";
import { refusalOf } from "./outcome.ts";
import type { SendOutcome } from "./send-outcome.ts";
import type { KeyValueStorage } from "./storage.ts";

/** A user's offline queue, which sends over the client's socket. */
export function createMessageQueue(options: {
  link: Observable<LinkState>;
  name: string;
  storage: KeyValueStorage;
  lock: Lock;
  clock: Clock;
  backoff: BackoffOptions | undefined;
  onFault: (error: unknown) => void;
}): OfflineQueue<Message> {
  const { link, ...rest } = options;

  async function send(input: OutgoingMessage, signal: AbortSignal): Promise<SendOutcome<Message>> {
    const state = link.get();
    // The queue tries again as soon as there is a connection.
    if (state.status !== "open") throw new ConnectionLostError("There is no connection.");
    try {
      const { sendMessage } = await state.connection.execute(SendMessageDocument, { input }, signal);
      const { message, userErrors } = sendMessage;
      return message ? { ok: true, message } : refusalOf(userErrors);
    } catch (error) {
      if (!(error instanceof OperationError)) throw error;
      return { ok: false, code: error.code, message: error.message, retryAfterMs: error.retryAfterMs };
    }
  }

  return new OfflineQueue<Message>({ ...rest, send });
}
