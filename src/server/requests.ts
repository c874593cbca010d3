import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import {
  context,
  type Context,
  isSpanContextValid,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  trace,
} from "@opentelemetry/api";
import type { GraphQLError, OperationDefinitionNode } from "graphql";
import type { Logger } from "pino";
import { fail, tracer } from "../tracing.ts";
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

const codeOfStatus: Readonly<Record<number, Code>> = {
  401: "UNAUTHENTICATED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  409: "CONFLICT",
  429: "RATE_LIMITED",
};

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
  #span: Span | undefined;

  constructor(id: string, door: Door) {
    this.id = id;
    this.door = door;
  }

  /** `parent`: what the request belongs to, where it says so. */
  prepared({ operation, name }: OperationDefinitionNode, parent: Context = ROOT_CONTEXT): void {
    this.type = operation;
    this.operation = name?.value.slice(0, 100);
    const attributes = {
      "graphql.operation.type": operation,
      "graphql.operation.name": this.operation,
      "user.id": this.userId,
      "causerie.request.id": this.id,
      "causerie.door": this.door,
    };
    this.#span = tracer.startSpan(operation, { kind: SpanKind.SERVER, attributes }, parent);
  }

  /** Whatever begins in it belongs to this request's span. */
  within<Result>(work: () => Result): Result {
    const span = this.#span;
    if (!span || !isSpanContextValid(span.spanContext())) return work();
    return context.with(trace.setSpan(context.active(), span), work);
  }

  /** The request is over, or its subscription is open. */
  endSpan(): void {
    if (this.#span && this.code !== "OK") fail(this.#span, this.code);
    this.#span?.end();
    this.#span = undefined;
  }

  /** The first failure counts. */
  failed({ extensions }: GraphQLError): void {
    this.refused(String(extensions.code));
    this.reference ??= extensions.reference;
  }

  refused(code: string): void {
    if (this.code === "OK") this.code = code;
  }

  /** Refusals that come before GraphQL, as of an origin, have nothing but their status. */
  answered(status: number): void {
    if (status >= 400) this.refused(codeOfStatus[status] ?? (status < 500 ? "INVALID" : "INTERNAL"));
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
      record.endSpan();
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
