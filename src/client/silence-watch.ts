import type { Clock } from "./clock.ts";

/** Notices when the other side falls silent: a half-open socket tells of its end only after many minutes. */
export function createSilenceWatch(options: {
  clock: Clock;
  pingAfterMs: number;
  pongWithinMs: number;
  onSilent: () => void;
}) {
  const { clock, pingAfterMs, pongWithinMs, onSilent } = options;
  let sendPing: (() => void) | undefined;
  let isAsked = false;
  let timer: unknown;

  function wait() {
    clock.clearTimeout(timer);
    timer = clock.setTimeout(() => (isAsked ? onSilent() : check()), isAsked ? pongWithinMs : pingAfterMs);
  }

  function check() {
    if (!sendPing || isAsked) return;
    isAsked = true;
    sendPing();
    wait();
  }

  return {
    start(send: () => void) {
      sendPing = send;
      wait();
    },
    heard() {
      if (!sendPing) return;
      isAsked = false;
      wait();
    },
    check,
    stop() {
      sendPing = undefined;
      clock.clearTimeout(timer);
    },
  };
}
