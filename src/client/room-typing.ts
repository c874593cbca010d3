import type { BackoffOptions } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import type { LinkState } from "./connector.ts";
import { SetTypingDocument, TypingDocument } from "./generated/operations.ts";
import { watchLive } from "./live-watch.ts";
import { createLazy, type Observable } from "./observable.ts";
import type { Requests } from "./requests.ts";
import type { User } from "./room-event.ts";
import type { RoomStatus } from "./room-log.ts";
import { TypingNotifier } from "./typing-notifier.ts";

export interface RoomTyping {
  /** Who other than the user is typing now; watched only while somebody listens. */
  readonly users: Observable<readonly User[]>;
  /** The user typed something. */
  input(): void;
  /** The user stopped: the text was sent or cleared. */
  stop(): void;
  dispose(): void;
}

const nobody: readonly User[] = [];

export function createRoomTyping(options: {
  roomId: string;
  userId: string;
  status: Observable<RoomStatus>;
  link: Observable<LinkState>;
  requests: Requests;
  clock: Clock;
  backoff?: BackoffOptions | undefined;
  onFault: (error: unknown) => void;
}): RoomTyping {
  const { roomId, userId, status, link, requests, clock, backoff, onFault } = options;
  const watch = (set: (users: readonly User[]) => void) =>
    watchLive({
      link,
      clock,
      backoff,
      document: TypingDocument,
      variables: { roomId },
      onData({ typing }) {
        const others = typing.users.filter(({ id }) => id !== userId);
        set(others.length === 0 ? nobody : others);
      },
      onLost: () => set(nobody),
      onFault,
    });
  const users = createLazy(nobody, (set) => watchWhileReady(status, set, watch));
  const notifier = new TypingNotifier({
    clock,
    backoff,
    onError: onFault,
    async send(isTyping, signal) {
      // While there is no connection nobody is told, and others forget by themselves.
      if (link.get().status !== "open") throw new Error("There is no connection.");
      await requests.ask(SetTypingDocument, { input: { roomId, isTyping } }, { signal, isRepeatable: false });
    },
  });
  notifier.start();
  return {
    users,
    input: () => notifier.input(),
    stop: () => notifier.stop(),
    dispose: () => notifier.dispose(),
  };
}

/** Anew each time that the user is back in the room: the watch before that has ended for good. */
function watchWhileReady(
  status: Observable<RoomStatus>,
  set: (users: readonly User[]) => void,
  watch: (set: (users: readonly User[]) => void) => () => void,
): () => void {
  let end: (() => void) | undefined;
  const look = () => {
    end?.();
    end = status.get() === "ready" ? watch(set) : undefined;
    if (!end) set(nobody);
  };
  const stop = status.subscribe(look);
  look();
  return () => {
    stop();
    end?.();
  };
}
