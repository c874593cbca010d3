import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { GraphQLError, OperationDefinitionNode } from "graphql";
import type { Logger } from "pino";
import { secondsBuckets, type Meters } from "./meters.ts";

const doors = ["http", "sse", "websocket"] as const;
export type Door = (typeof doors)[number];

/** `ErrorCode` and `UserErrorCode` of the schema. */
const codes = [
  "UNAUTHENTICATED",
  "INVALID",
  "NOT_FOUND",
  "FORBIDDEN",
  "CONFLICT",
  "RATE_LIMITED",
  "QUERY_REFUSED",
  "CURSOR_RESET",
  "INTERNAL",
] as const;
type Code = (typeof codes)[number];

export type RequestMetrics = ReturnType<typeof requestMetrics>;

export function requestMetrics({ counterBy, histogramBy }: Meters) {
  return {
    seconds: histogramBy("request_seconds", "From a request to its end; subscriptions are left out.", {
      label: "door",
      values: doors,
      buckets: secondsBuckets,
    }),
    rejected: counterBy("rejected_requests_total", "Requests that were answered with an error, by its code.", {
      label: "code",
      values: codes,
    }),
  };
}

/** One request on its way: what is told of it at its end. Holds neither its text nor its variables. */
export class RequestRecord {
  readonly id: string;
  door: Door;
  userId: string | undefined;
  /** The name that the client gave the operation; of other requests their path. */
  operation: string | undefined;
  type: string | undefined;
  code = "OK";
  /** Of the fault, in this log. */
  reference: unknown;
  readonly startMs = performance.now();

  constructor(id: string, door: Door) {
    this.id = id;
    this.door = door;
  }

  prepared({ operation, name }: OperationDefinitionNode): void {
    this.type = operation;
    this.operation = name?.value.slice(0, 100);
  }

  /** The first failure counts. */
  failed({ extensions }: GraphQLError): void {
    this.refused(String(extensions.code));
    this.reference ??= extensions.reference;
  }

  refused(code: string): void {
    if (this.code === "OK") this.code = code;
  }
}

export type Requests = ReturnType<typeof createRequests>;

/** Tells of each request once, when it is over: one line in the log, and the metrics. */
export function createRequests({ log, metrics }: { log: Logger; metrics: RequestMetrics }) {
  return {
    /** `isQuiet`: of what machines ask for over and over. */
    ended(record: RequestRecord, { isQuiet = false, status }: { isQuiet?: boolean; status?: number } = {}): void {
      const { id: request, door, userId: user, operation, type, code, reference, startMs } = record;
      const ms = performance.now() - startMs;
      if (type !== "subscription") metrics.seconds(door, ms / 1_000);
      if (code !== "OK") metrics.rejected(code as Code);
      const line = { request, door, user, operation, type, code, status, reference, ms: Math.round(ms * 10) / 10 };
      if (isQuiet) log.debug(line, "request");
      else log.info(line, "request");
    },
  };
}

/** What the client, or what is before this server, calls the request, where that is sane; else a new one. */
export function requestIdOf({ "x-request-id": given }: IncomingHttpHeaders): string {
  return typeof given === "string" && /^[\w.:~+/=-]{1,128}$/.test(given) ? given : randomUUID();
}
