import { useEffect, useMemo, useState } from "react";
import { IdleDetector, type IdleState } from "../client/idle-detector.ts";
import type { Presence } from "../client/presence-store.ts";
import { useObservable } from "./observable.ts";
import { useClient } from "./provider.ts";

/** Undefined until it is known, and where the two users share no room. */
export function usePresence(userId: string): Presence | undefined {
  const { presence } = useClient();
  return useObservable(useMemo(() => presence.of(userId), [presence, userId]));
}

/** What counts as idle: 5 minutes without any doing, and a warning 1 minute before, unless given. */
export interface IdleOptions {
  /** Where the user's doings are seen; the page unless given. */
  target?: EventTarget;
  idleAfterMs?: number;
  warnBeforeMs?: number;
}

/** Shows the user as away while they do nothing, unless they chose a status; `warned` is the time before that. */
export function useIdle({ target, idleAfterMs, warnBeforeMs }: IdleOptions = {}): IdleState {
  const { presence } = useClient();
  const [state, setState] = useState<IdleState>("active");
  useEffect(() => {
    const note = (next: IdleState) => {
      setState(next);
      presence.setIdle(next === "idle");
    };
    const detector = new IdleDetector({
      target: target ?? document,
      idleAfterMs,
      warnBeforeMs,
      onWarning: () => note("warned"),
      onIdle: () => note("idle"),
      onActive: () => note("active"),
    });
    detector.start();
    return () => {
      detector.dispose();
      note("active");
    };
  }, [presence, target, idleAfterMs, warnBeforeMs]);
  return state;
}
