import {
  context,
  type Attributes,
  type Context,
  type Link,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { isJsonObject } from "./json-object.ts";

/** The span that something belongs to, as headers (W3C Trace Context, baggage). */
export type TraceHeaders = Record<string, string>;

/** Spans cost next to nothing until the process has an OpenTelemetry SDK, which takes them from here. */
export const tracer = trace.getTracer("causerie");

/** Runs the work in a span, which ends with it; a fault is noted. */
export async function inSpan<Result>(
  name: string,
  { kind = SpanKind.INTERNAL, ...options }: { kind?: SpanKind; attributes: Attributes; links?: Link[] },
  work: (span: Span) => Promise<Result>,
): Promise<Result> {
  const span = tracer.startSpan(name, { kind, ...options });
  try {
    return await context.with(trace.setSpan(context.active(), span), work, undefined, span);
  } catch (fault) {
    fail(span, fault instanceof Error ? fault.name : "unknown");
    throw fault;
  } finally {
    span.end();
  }
}

/** `type` as in the attribute `error.type`: of a small set, and tells nothing that a user wrote. */
export function fail(span: Span, type: string): void {
  span.setAttribute("error.type", type);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** For whoever goes on with it in another process; undefined where nothing traces. */
export function traceHeaders(): TraceHeaders | undefined {
  const headers: TraceHeaders = {};
  propagation.inject(context.active(), headers);
  // Looked at by key, since this is asked for each publication.
  for (const _name in headers) return headers;
  return undefined;
}

/** The context that headers from elsewhere speak of. */
export function contextOf(headers: Readonly<Record<string, unknown>>): Context {
  return propagation.extract(context.active(), headers);
}

const maxHeaders = 8;
const maxHeaderCharacters = 8_192;

/** Whether it is what `traceHeaders` gives: what comes from elsewhere is not trusted. */
export function isTraceHeaders(value: unknown): value is TraceHeaders {
  if (!isJsonObject(value)) return false;
  const texts = Object.values(value);
  return texts.length <= maxHeaders && texts.every((text) => isText(text) && text.length <= maxHeaderCharacters);
}

const isText = (value: unknown): value is string => typeof value === "string";
