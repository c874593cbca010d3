import { type GraphQLSchema, Kind, type OperationDefinitionNode } from "graphql";
import type { Context } from "./builder.ts";

/** Changes in one operation come one after the other: the payload of each shows nothing that was loaded for the one before it. */
export function loadAnewForEachChange(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getMutationType()!.getFields())) {
    const { resolve } = field;
    if (!resolve) continue;
    field.resolve = (root, args, context: Context, info) => {
      if (mayHaveSeveral(info.operation)) context.loadAnew?.();
      return resolve(root, args, context, info);
    };
  }
}

/** Nearly every operation has one change, which finds nothing loaded. */
function mayHaveSeveral({ selectionSet: { selections } }: OperationDefinitionNode): boolean {
  return selections.length > 1 || selections[0]!.kind !== Kind.FIELD;
}
