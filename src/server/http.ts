import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServerAdapter } from "@whatwg-node/server";
import { admitOrigin } from "./cors.ts";
import type { DevLogin } from "./dev-login.ts";
import { handleDevLogin } from "./dev-login-http.ts";
import { createEventStreams, type EventStreamsOptions } from "./event-streams.ts";
import { createGraphQLHandler, type GraphQLHandlerOptions } from "./http-graphql.ts";
import { sendReadiness, type Health } from "./health.ts";
import type { Metrics } from "./metrics.ts";
import { clientAddress } from "./client-address.ts";
import { networkOf } from "./network.ts";
import { operatorPath, type OperatorDoor } from "./operator-door.ts";
import type { OriginCheck } from "./origins.ts";
import { createPages, wantsPage } from "./pages/pages.ts";
import { RequestRecord, requestIdOf, type Requests } from "./requests.ts";
import { answerHeaders } from "./security-headers.ts";
import { sendJson } from "./send-json.ts";
import { admitUpgrade, asksForWebSocket } from "./upgrade.ts";

export type HttpDoorOptions = Omit<GraphQLHandlerOptions, "streams"> &
  EventStreamsOptions & {
    isAllowedOrigin: OriginCheck;
    requests: Requests;
    devLogin: DevLogin | null;
    /** As many proxies of ours tell in X-Forwarded-For whom they serve. */
    trustedProxies: number;
    /** Whether somebody from there may sign in once more. @throws Refusal RATE_LIMITED */
    admitSignIn?: (address: string) => void | Promise<void>;
    /** Null: there are no operators. */
    operators?: OperatorDoor | null;
    health: Health;
    metrics: Pick<Metrics, "contentType" | "text">;
    onFault: (fault: unknown) => void;
  };

export type HttpDoor = {
  readonly server: Server;
  /** Open ones. */
  readonly streams: number;
  /**
   * Ends the event streams. From now on the node says that it is not ready, and each connection ends with its next answer;
   * requests are served all the same.
   */
  leave: () => Promise<void>;
};

const timeouts = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 65_000,
  /** Between looks for those that take too long. */
  connectionsCheckingInterval: 2_000,
};
/** What else is served; other paths, which may be anything, are not told. */
const ownPaths = new Set(["/", "/dev/login", "/healthz", "/readyz", "/metrics"]);
/** A client that neither sends nor takes anything for so long is cut off. */
const idleTimeoutMs = 30_000;

/** GraphQL over HTTP and event streams, the demo with its sign-in, GraphiQL, health and metrics. */
export function createHttpDoor(options: HttpDoorOptions): HttpDoor {
  const { devLogin, health, metrics, isAllowedOrigin, onFault, requests } = options;
  const streams = createEventStreams(options);
  const graphql = createGraphQLHandler({ ...options, streams });
  const login =
    devLogin &&
    createServerAdapter<{ req: IncomingMessage }>((request, { req }) => {
      const address = networkOf(clientAddress(req, options.trustedProxies));
      const limited: DevLogin = {
        ...devLogin,
        async issue(name) {
          await options.admitSignIn?.(address);
          return devLogin.issue(name);
        },
      };
      return handleDevLogin(limited, request, onFault);
    });

  let isLeaving = false;

  const pages = createPages({ signIn: devLogin ? "name" : "token", onFault });

  async function route(request: IncomingMessage, response: ServerResponse, record: RequestRecord): Promise<void> {
    const path = (request.url ?? "/").split("?", 1)[0];
    if (isLeaving) response.setHeader("Connection", "close");
    if (request.headers.upgrade !== undefined && !(await admitUpgrade(request, response))) return;
    if (path === "/graphql") {
      if (wantsPage(request) && (await pages.serve(request, response))) return;
      return admitOrigin(request, response, isAllowedOrigin) ? graphql(request, response, record) : undefined;
    }
    if (options.operators && path?.startsWith(operatorPath)) return options.operators(request, response, path);
    if (await pages.serve(request, response)) return;
    for (const [name, value] of Object.entries(answerHeaders)) response.setHeader(name, value);
    switch (path) {
      case "/dev/login":
        if (!login) return sendJson(response, 404, { error: "Not found" });
        return admitOrigin(request, response, isAllowedOrigin) ? login(request, response) : undefined;
      case "/healthz":
        return sendJson(response, 200, { status: "ok" });
      case "/readyz":
        return isLeaving ? sendJson(response, 503, { status: "leaving" }) : sendReadiness(health, response);
      case "/metrics":
        return void response.writeHead(200, { "Content-Type": metrics.contentType }).end(await metrics.text());
      default:
        return sendJson(response, 404, { error: "Not found" });
    }
  }

  const server = createServer({ ...timeouts, shouldUpgradeCallback: asksForWebSocket }, (request, response) => {
    const record = new RequestRecord(requestIdOf(request.headers), "http");
    response.setHeader("X-Request-Id", record.id);
    response.once("close", () => {
      const path = (request.url ?? "/").split("?", 1)[0]!;
      const isOperator = path.startsWith(operatorPath);
      if (record.type === undefined && ownPaths.has(path)) record.operation = path;
      if (isOperator) record.operation = operatorPath;
      const isQuiet = !isOperator && path !== "/graphql" && path !== "/dev/login";
      const status = response.statusCode;
      if (!isQuiet) record.answered(status);
      requests.ended(record, { isQuiet, status });
    });
    route(request, response, record).catch((fault: unknown) => {
      onFault(fault);
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { error: "Something went wrong on the server." });
    });
  });
  server.setTimeout(idleTimeoutMs);

  function leave(): Promise<void> {
    isLeaving = true;
    return streams.close();
  }

  return {
    server,
    get streams() {
      return streams.size;
    },
    leave,
  };
}
