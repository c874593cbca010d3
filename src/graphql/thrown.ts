import { isObjectType, type GraphQLSchema } from "graphql";

/**
 * Makes what a resolver throws a rejection. graphql leaves a list at the first item that throws, without waiting for the
 * items before it: one of these that is rejected later is then nobody's, which ends the process.
 */
export function rejectThrown(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const { resolve } = field;
      if (!resolve) continue;
      field.resolve = (...of) => {
        try {
          return resolve(...of);
        } catch (error) {
          return Promise.reject(error);
        }
      };
    }
  }
}
