import { type ASTVisitor, GraphQLError, Kind, type SelectionSetNode, type ValidationContext } from "graphql";

/**
 * A subscription's one field is there whatever the variables are: neither it nor a fragment around it can be skipped or
 * included by a directive (GraphQL specification, September 2025, 5.2.4.1). graphql itself fails over a subscription without a field.
 */
export function SubscriptionRootRule(context: ValidationContext): ASTVisitor {
  return {
    OperationDefinition({ operation, selectionSet }) {
      if (operation === "subscription") visitRoot(context, selectionSet, new Set());
    },
  };
}

function visitRoot(context: ValidationContext, { selections }: SelectionSetNode, seen: Set<string>): void {
  for (const selection of selections) {
    const conditional = selection.directives?.find(({ name }) => name.value === "skip" || name.value === "include");
    if (conditional) {
      const message = `A subscription's field cannot depend on "@${conditional.name.value}".`;
      context.reportError(new GraphQLError(message, { nodes: conditional }));
    }
    if (selection.kind === Kind.INLINE_FRAGMENT) visitRoot(context, selection.selectionSet, seen);
    if (selection.kind !== Kind.FRAGMENT_SPREAD || seen.has(selection.name.value)) continue;
    seen.add(selection.name.value);
    const fragment = context.getFragment(selection.name.value);
    if (fragment) visitRoot(context, fragment.selectionSet, seen);
  }
}
