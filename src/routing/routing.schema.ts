import { builder, viewerOf } from "../graphql/builder.ts";
import type { Endpoint, Routing } from "./routing.ts";

declare module "../graphql/builder.ts" {
  interface Rules {
    routing: Routing;
  }
}

const ConnectionEndpoint = builder.objectRef<Endpoint>("ConnectionEndpoint").implement({
  fields: (t) => ({
    nodeId: t.exposeID("nodeId"),
    url: t.exposeString("url"),
    isAdvertised: t.exposeBoolean("isAdvertised", {
      description:
        "Whether nodes say where clients reach them (`PUBLIC_URL`). If not, `url` is a guess: stay with the address that you have.",
    }),
  }),
});

builder.queryField("connectionEndpoint", (t) =>
  t.field({
    type: ConnectionEndpoint,
    description: "The node that this viewer's WebSocket should go to (consistent hashing over live nodes).",
    resolve: (_root, _args, context) => context.rules.routing.endpointOf(viewerOf(context).id),
  }),
);
