import type { GraphQLSchema } from "graphql";
import type { Context } from "./builder.ts";

/** Changes in one operation come one after the other: the payload of each shows nothing that was loaded for the one before it. */
export function loadAnewForEachChange(schema: GraphQLSchema): void {
  for (const field of Object.values(schema.getMutationType()!.getFields())) {
    const { resolve } = field;
    if (!resolve) continue;
    field.resolve = (root, args, context: Context, info) => {
      context.loadAnew?.();
      return resolve(root, args, context, info);
    };
  }
}
