import type { LinkState } from "./connector.ts";
import type { FeedPhase } from "./feed.ts";
import { createVariable, type Observable } from "./observable.ts";

/**
 * `connecting`: a try is under way. `catching up`: connected, what was missed is on its way. `live`: nothing is missing.
 * `offline`: not started, or waiting for the next try; `reason` says in words why the last one ended.
 */
export interface ConnectionState {
  status: "connecting" | "catching up" | "live" | "offline";
  reason?: string;
}

export function observeConnection(link: Observable<LinkState>, phase: Observable<FeedPhase>) {
  const state = createVariable(stateOf(link.get(), phase.get()));
  const look = () => {
    const next = stateOf(link.get(), phase.get());
    const present = state.get();
    if (next.status !== present.status || next.reason !== present.reason) state.set(next);
  };
  const stops = [link.subscribe(look), phase.subscribe(look)];
  return { state: state as Observable<ConnectionState>, dispose: () => stops.forEach((stop) => stop()) };
}

function stateOf(link: LinkState, phase: FeedPhase): ConnectionState {
  if (link.status === "connecting") return { status: "connecting" };
  if (link.status === "offline")
    return link.reason === undefined ? { status: "offline" } : { status: "offline", reason: link.reason };
  if (!link.connection.isOpen) return { status: "offline" };
  return { status: phase === "live" ? "live" : "catching up" };
}
