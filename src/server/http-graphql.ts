import type { IncomingMessage, ServerResponse } from "node:http";
import {
  type DocumentNode,
  execute,
  type ExecutionArgs,
  type ExecutionResult,
  type GraphQLError,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from "graphql";
import { type Plugin, YogaServer } from "graphql-yoga";
import { unauthenticated } from "../errors.ts";
import type { Context, Viewer } from "../graphql/builder.ts";
import type { Mask } from "../graphql/errors.ts";
import type { OperationRequest, Operations } from "../graphql/operations.ts";
import { contextOf } from "../tracing.ts";
import { bearer, type Authentication, type Identity } from "./authentication.ts";
import type { EventStream } from "./event-stream.ts";
import type { EventStreams } from "./event-streams.ts";
import type { RequestRecord } from "./requests.ts";
import { HttpRefusal } from "./http-refusal.ts";
import { readParams } from "./http-params.ts";
import { answerHeaders } from "./security-headers.ts";
import type { Shares } from "./shares.ts";
import type { Subscribe } from "./subscribe.ts";

export type GraphQLHandlerOptions = {
  schema: GraphQLSchema;
  operations: Operations;
  subscribe: Subscribe;
  mask: Mask;
  authentication: Authentication;
  signIn: (identity: Identity) => Promise<Viewer>;
  newContext: (viewer: Viewer, connection: null) => Context;
  streams: EventStreams;
  /** What may run of one user's at a time. */
  shares: Shares;
};

type Result = ExecutionResult | AsyncGenerator<ExecutionResult, void, void>;
/** One request on its way through Yoga. */
type Asked = {
  request: IncomingMessage;
  response: ServerResponse;
  expiresAt: Date;
  viewer: Viewer;
  params: OperationRequest;
  record: RequestRecord;
  stream: EventStream | null;
};
type ServerContext = { asked: Asked };

/** Errors that are answered as such, whatever the client accepts; others are 200 in the older of the two media types. */
const statusOf: Readonly<Record<string, number>> = { UNAUTHENTICATED: 401, RATE_LIMITED: 429, INTERNAL: 500 };

/**
 * GraphQL over HTTP and server-sent events. Who asks is known before anything of the body is read. Yoga negotiates the
 * answers; operations are prepared and executed as at the other door. What Yoga would put around it for Node (a `Request`
 * with its stream, URL and signal, a `Response` with another) was half of what a request cost, so it gets what it looks at.
 */
export function createGraphQLHandler(options: GraphQLHandlerOptions) {
  const { schema, operations, subscribe, mask, authentication, signIn, newContext, streams, shares } = options;
  const yoga = new Negotiator(answer, {
    schema,
    fetchAPI: { Response: Answer as never },
    logging: false,
    landingPage: false,
    graphiql: false,
    cors: false,
    multipart: false,
    batching: false,
    // Bodies are read, and their size is limited, before Yoga comes in.
    maxRequestBodySize: false,
    parserAndValidationCache: false,
    maskedErrors: { maskError: (error) => withStatus(mask(error)) },
    plugins: [eventStreams],
  });

  return async function handle(
    request: IncomingMessage,
    response: ServerResponse,
    record: RequestRecord,
  ): Promise<void> {
    try {
      const token = bearer(request.headers.authorization);
      if (token === null) throw unauthenticated();
      const identity = await authentication.verify(token);
      const viewer = await signIn(identity);
      const params = await readParams(request);
      const asked: Asked = { request, response, expiresAt: identity.expiresAt, viewer, params, record, stream: null };
      record.userId = viewer.id;
      const answered = await yoga.handle(new YogaRequest(request) as never, { asked } as never);
      send(response, answered as unknown as Answer);
    } catch (error) {
      refuse(response, error, (cause) => noted(record, mask(cause)));
    }
  };

  async function answer(asked: Asked): Promise<Result> {
    try {
      return told(asked.record, await run(asked));
    } catch (error) {
      return { errors: [withStatus(noted(asked.record, mask(error)), error)] };
    }
  }

  async function run(asked: Asked): Promise<Result> {
    const { params, request, response, viewer } = asked;
    const prepared = operations.prepare(params);
    if (prepared.errors) return { errors: prepared.errors };
    const { operation, cost } = prepared;
    asked.record.prepared(operation, contextOf(request.headers));
    if (operation.operation === "mutation" && request.method === "GET")
      throw new HttpRefusal(405, "A mutation is sent by POST.", { headers: { Allow: "POST" } });
    const giveBack = await shares.take(viewer.id, cost, { isChange: operation.operation === "mutation" });
    try {
      // Who has gone while waiting wants no answer.
      return response.destroyed ? {} : await carryOut(asked, prepared);
    } finally {
      // An answer that waits for its client is in memory. A stream has limits of its own.
      if (asked.stream || response.destroyed) giveBack();
      else response.once("close", giveBack);
    }
  }

  async function carryOut(
    asked: Asked,
    { document, operation, cost }: { document: DocumentNode; operation: OperationDefinitionNode; cost: number },
  ): Promise<Result> {
    const { params, viewer } = asked;
    const contextValue = newContext(viewer, null);
    contextValue.onRefused = (code) => asked.record.refused(code);
    const args: ExecutionArgs = {
      schema,
      document,
      operationName: params.operationName,
      variableValues: params.variables,
      contextValue,
    };
    return operation.operation === "subscription"
      ? follow(asked, args, cost)
      : asked.record.within(() => execute(args));
  }

  async function follow(asked: Asked, args: ExecutionArgs, cost: number): Promise<Result> {
    const { request, response, viewer, expiresAt } = asked;
    if (!acceptsEvents(request)) throw new HttpRefusal(406, "A subscription is answered with text/event-stream.");
    const stream = streams.open(response, { userId: viewer.id, dueAtMs: expiresAt.getTime() });
    asked.stream = stream;
    asked.record.door = "sse";
    const followed = (await subscribe(args, { cost, openSink: () => stream })) as Result;
    if (Symbol.asyncIterator in followed) asked.record.endSpan();
    return followed;
  }

  function told(record: RequestRecord, result: Result): Result {
    if (Symbol.asyncIterator in result || !result.errors) return result;
    const errors = result.errors.map(mask);
    if (errors[0]) noted(record, errors[0]);
    return { ...result, errors: "data" in result ? errors : errors.map((error) => withStatus(error)) };
  }
}

/** Yoga for requests that were read already: it finds out how to answer, and writes the answer. */
class Negotiator extends YogaServer<ServerContext, object> {
  readonly #answer: (asked: Asked) => Promise<Result>;

  constructor(
    answer: (asked: Asked) => Promise<Result>,
    options: ConstructorParameters<typeof YogaServer<ServerContext, object>>[0],
  ) {
    super(options);
    this.#answer = answer;
  }

  override parseRequest = () => ({ requestParserResult: { query: "read already" } });
  override getResultForParams = (_request: unknown, { asked }: ServerContext) => this.#answer(asked);
}

/** Lets event streams be written by themselves. */
const eventStreams: Plugin<object, ServerContext> = {
  onResultProcess(hook) {
    const { result, serverContext } = hook;
    if (Symbol.asyncIterator in result) {
      const stream = serverContext.asked.stream!;
      hook.setResultProcessor(async (results, { Response }) => {
        await stream.give(results as never);
        return new Response(null);
      }, "text/event-stream");
    } else if (!acceptsJson(serverContext.asked.request)) {
      hook.setResultProcessor((alone) => asEvents(alone as ExecutionResult) as never, "text/event-stream");
    }
  },
};

function acceptsEvents({ headers: { accept } }: IncomingMessage): boolean {
  return accept === undefined || /(text|\*)\/(event-stream|\*)/i.test(accept);
}

function acceptsJson({ headers: { accept } }: IncomingMessage): boolean {
  return accept === undefined || /application\/(\*|json|graphql-response\+json)|\*\/\*/i.test(accept);
}

/** A single result for a client that takes nothing but events. */
function asEvents({ errors, ...result }: ExecutionResult): Answer {
  const json = JSON.stringify(errors ? { errors: errors.map(toldOf), ...result } : result);
  const body = `event: next\ndata: ${json}\n\nevent: complete\ndata:\n\n`;
  const https = errors?.map(({ extensions }) => extensions.http as Http | undefined) ?? [];
  const { status, headers } = https.find((http) => http && !http.spec) ?? { status: 200 };
  return new Answer(body, { status, headers: { ...headers, "Content-Type": "text/event-stream" } });
}

/** Without what is for Yoga alone. */
function toldOf(error: GraphQLError) {
  const { extensions, ...told } = error.toJSON();
  const { http: _http, ...rest } = extensions ?? {};
  return { ...told, extensions: rest };
}

/** What Yoga looks at in a request whose body has been read. */
class YogaRequest {
  readonly url = "http://localhost/graphql";
  readonly method: string;
  readonly headers: { get: (name: string) => string | null };
  readonly body = null;

  constructor({ method, headers }: IncomingMessage) {
    this.method = method ?? "GET";
    this.headers = { get: (name) => (headers[name] as string | undefined) ?? null };
  }
}

/** What Yoga makes instead of a `Response`. */
class Answer {
  readonly body: string | null;
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(
    body: string | null,
    { status = 200, headers = {} }: { status?: number; headers?: Record<string, string> } = {},
  ) {
    this.body = body;
    this.status = status;
    this.headers = headers;
  }
}

function send(response: ServerResponse, { body, status, headers }: Answer): void {
  // An event stream has been written by now.
  if (response.headersSent || response.destroyed) return;
  const length = { "Content-Length": body === null ? 0 : Buffer.byteLength(body) };
  response.writeHead(status, { ...answerHeaders, ...headers, ...length }).end(body ?? undefined);
}

/** For Yoga, which takes it out again. */
function withStatus(error: GraphQLError, cause?: unknown): GraphQLError {
  error.extensions.http = httpOf(error, cause);
  return error;
}

type Http = { status: number; spec?: boolean; headers?: Readonly<Record<string, string>> };

function httpOf({ extensions }: GraphQLError, cause: unknown): Http {
  if (cause instanceof HttpRefusal) return { status: cause.status, headers: cause.headers };
  const status = statusOf[String(extensions.code)];
  if (status === undefined) return { status: 400, spec: true };
  return status === 401 ? { status, headers: { "WWW-Authenticate": "Bearer" } } : { status };
}

function noted(record: RequestRecord, error: GraphQLError): GraphQLError {
  record.failed(error);
  return error;
}

/** Before Yoga comes in. */
function refuse(response: ServerResponse, cause: unknown, mask: Mask): void {
  const error = mask(cause);
  const { status, headers } = httpOf(error, cause);
  if (response.headersSent) return void response.destroy();
  const body = JSON.stringify({ errors: [toldOf(error)] });
  send(
    response,
    new Answer(body, { status, headers: { ...headers, "Content-Type": "application/json; charset=utf-8" } }),
  );
}
