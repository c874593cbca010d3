import { useSyncExternalStore } from "react";
import type { ConnectionState } from "../client/connection-state.ts";
import type { Inbox } from "../client/inbox-store.ts";
import type { Observable } from "../client/observable.ts";
import { useClient } from "./provider.ts";

/** The value, and another rendering whenever it changes. */
export function useObservable<T>(observable: Observable<T>): T {
  const { subscribe, get } = observable;
  return useSyncExternalStore(subscribe, get, get);
}

/** Whether what is shown is current, and why not. */
export function useConnectionState(): ConnectionState {
  return useObservable(useClient().state);
}

/** The user's rooms with their last messages and unread counts, latest activity first. */
export function useInbox(): Inbox {
  return useObservable(useClient().inbox);
}
