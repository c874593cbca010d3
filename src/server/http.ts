import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { execute, type GraphQLError, type GraphQLSchema } from "graphql";
import { createYoga, type Plugin } from "graphql-yoga";
import { renderGraphiQL } from "@graphql-yoga/render-graphiql";
import { createServerAdapter } from "@whatwg-node/server";
import { unauthenticated } from "../errors.ts";
import type { Context, Viewer } from "../graphql/builder.ts";
import type { Operations } from "../graphql/operations.ts";
import { bearer, type Authentication, type Identity } from "./authentication.ts";
import type { DevLogin } from "./dev-login.ts";
import { handleDevLogin } from "./dev-login-http.ts";
import type { OriginCheck } from "./origins.ts";
import type { Subscribe } from "./subscribe.ts";

const maxBodyBytes = 256 * 1024;

export type HttpDoorOptions = {
  schema: GraphQLSchema;
  operations: Operations;
  subscribe: Subscribe;
  mask: (error: unknown) => GraphQLError;
  authentication: Authentication;
  signIn: (identity: Identity) => Promise<Viewer>;
  newContext: (viewer: Viewer, connection: null) => Context;
  isAllowedOrigin: OriginCheck;
  devLogin: DevLogin | null;
  isReady: () => Promise<Readiness>;
};

export type Readiness = { ready: boolean; checks: Record<string, string> };

/** GraphQL over HTTP and event streams, GraphiQL, the demo's sign-in and health. */
export function createHttpDoor(options: HttpDoorOptions): Server {
  const { devLogin, isReady } = options;
  const yoga = createGraphQLHandler(options);
  const adaptedLogin = devLogin && createServerAdapter((request: Request) => handleDevLogin(devLogin, request));

  function route(request: IncomingMessage, response: ServerResponse): unknown {
    const path = (request.url ?? "/").split("?", 1)[0];
    switch (path) {
      case "/graphql":
        return yoga(request, response);
      case "/dev/login":
        return adaptedLogin ? adaptedLogin(request, response) : sendJson(response, 404, { error: "Not found" });
      case "/healthz":
        return sendJson(response, 200, { status: "ok" });
      case "/readyz":
        return isReady().then(({ ready, checks }) =>
          sendJson(response, ready ? 200 : 503, { status: ready ? "ok" : "unavailable", checks }),
        );
      default:
        return sendJson(response, 404, { error: "Not found" });
    }
  }

  const server = createServer(
    { requestTimeout: 15_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 },
    (request, response) => {
      response.setHeader("X-Content-Type-Options", "nosniff");
      void route(request, response);
    },
  );
  return server;
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}

function createGraphQLHandler(options: HttpDoorOptions) {
  const { schema, mask, authentication, signIn, newContext, isAllowedOrigin } = options;

  async function context({ request }: { request: Request }): Promise<Context> {
    const token = bearer(request.headers.get("authorization"));
    if (token === null) throw unauthenticated();
    return newContext(await signIn(await authentication.verify(token)), null);
  }

  return createYoga<Record<string, unknown>, Context>({
    schema,
    context,
    logging: false,
    landingPage: false,
    multipart: false,
    batching: false,
    maxRequestBodySize: maxBodyBytes,
    parserAndValidationCache: false,
    maskedErrors: { maskError: (error) => withStatus(mask(error)) },
    graphiql: { title: "Causerie", defaultQuery: "{ viewer { id name } }" },
    renderGraphiQL,
    cors: (request) => {
      const origin = request.headers.get("origin");
      const allowed = origin !== null && isAllowedOrigin(origin, request.headers.get("host") ?? undefined);
      return allowed
        ? { origin, methods: ["GET", "POST", "OPTIONS"], allowedHeaders: ["Authorization", "Content-Type"] }
        : false;
    },
    plugins: [jsonOnly, engine(options)],
  });
}

/** Anything but JSON could come from another site's form, without asking first. */
const jsonOnly: Plugin = {
  onRequestParse({ request, endResponse, fetchAPI }) {
    if (request.method !== "POST") return;
    const type = request.headers.get("content-type")?.split(";", 1)[0]?.trim().toLowerCase();
    if (type !== "application/json") endResponse(new fetchAPI.Response(null, { status: 415 }));
  },
};

/** Both doors parse, validate, execute and subscribe alike. */
function engine({ operations, subscribe }: HttpDoorOptions): Plugin {
  return {
    onParse: ({ params, setParsedDocument }) => setParsedDocument(operations.parse(String(params.source))),
    onValidate: ({ params, setResult }) => setResult(operations.validate(params.documentAST)),
    onExecute: ({ setExecuteFn }) => setExecuteFn(execute),
    onSubscribe: ({ setSubscribeFn }) => setSubscribeFn(subscribe),
  };
}

function withStatus(error: GraphQLError): GraphQLError {
  if (error.extensions.code !== "UNAUTHENTICATED") return error;
  error.extensions.http = { status: 401, headers: { "WWW-Authenticate": "Bearer" } };
  return error;
}
