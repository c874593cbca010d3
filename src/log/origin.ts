import { context, ROOT_CONTEXT, type Context } from "@opentelemetry/api";
import { contextOf } from "../tracing.ts";
import type { Change } from "./changes.ts";
import type { Publication } from "./publication.ts";

/** How a change came to this node: it was committed here, another node published it, or it was read. */
export type Route = "here" | "bus" | "database";

/** Where changes that came together came from. */
export type Origin = {
  readonly route: Route;
  /** Milliseconds since 1970; null where each change tells its own time. */
  readonly committedAtMs: number | null;
  /** The span that committed them. */
  readonly context: Context;
};

export const fromDatabase: Origin = { route: "database", committedAtMs: null, context: ROOT_CONTEXT };

export function originOf({ committedAtMs, trace }: Publication, route: "here" | "bus"): Origin {
  const from = route === "here" ? context.active() : trace ? contextOf(trace) : ROOT_CONTEXT;
  return { route, committedAtMs: committedAtMs ?? null, context: from };
}

/** When the change was written, by the database's clock; null where it does not say. */
export function writtenAtMs(change: Change): number | null {
  switch (change.type) {
    case "MessageSent":
      return change.message.sentAt;
    case "MessageEdited":
      return change.message.editedAt;
    case "MessageDeleted":
      return change.message.deletedAt;
    case "MessagesRead":
      return change.ranges[0]?.readAt ?? null;
    case "MemberJoined":
      return change.member.joinedAt;
    case "MemberLeft":
      return change.member.leftAt;
    default:
      return null;
  }
}
