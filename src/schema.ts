import { lexicographicSortSchema, printSchema, type GraphQLSchema } from "graphql";
import { builder } from "./graphql/builder.ts";
import "./graphql/scalars.ts";
import { rejectThrown } from "./graphql/thrown.ts";
import { loadAnewForEachChange } from "./graphql/serial-changes.ts";
import { tellRefusals } from "./graphql/user-errors.ts";
import "./accounts/accounts.schema.ts";
import "./accounts/token.schema.ts";
import "./rooms/rooms.schema.ts";
import "./rooms/room-mutations.schema.ts";
import "./messages/messages.schema.ts";
import "./receipts/receipts.schema.ts";
import "./presence/presence.schema.ts";
import "./typing/typing.schema.ts";
import "./log/events.schema.ts";
import "./sync/sync.schema.ts";
import "./routing/routing.schema.ts";

builder.queryType({});
builder.mutationType({});
builder.subscriptionType({});

/** The whole API; what it calls comes with each operation's context. */
export const schema: GraphQLSchema = builder.toSchema();
tellRefusals(schema);
loadAnewForEachChange(schema);
rejectThrown(schema);

/** As committed in schema.graphql. */
export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}
