import {
  execute,
  getArgumentValues,
  getVariableValues,
  type DocumentNode,
  type ExecutionResult,
  type FieldNode,
  type GraphQLError,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  print,
  separateOperations,
  type SelectionSetNode,
  TypeInfo,
  visit,
  visitWithTypeInfo,
} from "graphql";
import { isOfAwayDatabase } from "../database/faults.ts";
import type { Context } from "../graphql/builder.ts";
import type { ChangeKind } from "./changes.ts";
import { changeKinds } from "./changes.ts";
import { payloadOf } from "./payload.ts";
import type { AtHand, Executed, Execution, FeedItem, Selection, Viewer } from "./selection.ts";

export type FeedField = "roomEvents" | "inbox";

/** Gives contexts that share their loaders, which have these rows at hand. */
export type OpenContexts = (atHand: AtHand) => (viewer: Viewer | null) => Context;

export type Request = { document: DocumentNode; operationName?: string | null; variables: Record<string, unknown> };
export type Asked = { field: FeedField; selection: Selection; args: Record<string, unknown> };
export type Selections = ReturnType<typeof createSelections>;

/** An operation without its cursors. */
type Normalised = {
  text: string;
  document: DocumentNode;
  operation: OperationDefinitionNode;
  root: FieldNode;
  /** The operation as it came, whose cursors count once. */
  original: OperationDefinitionNode;
  originalRoot: FieldNode;
  perViewer: boolean;
};

/** Turns operations on the log's subscriptions into selections: what all who ask alike have in common. */
export function createSelections({
  schema,
  openContexts,
  mask,
}: {
  schema: GraphQLSchema;
  openContexts: OpenContexts;
  mask: (error: unknown) => GraphQLError;
}) {
  const known = new WeakMap<DocumentNode, Map<string, Normalised | null>>();
  const subscriptionType = schema.getSubscriptionType()!;

  /**
   * Null where the operation subscribes to something else.
   * @throws GraphQLError where its variables do not fit
   */
  function of({ document, operationName, variables }: Request): Asked | null {
    const normalised = normalisedOf(document, operationName ?? "");
    if (!normalised) return null;
    const { original, originalRoot, operation, root } = normalised;
    const coerced = getVariableValues(schema, original.variableDefinitions ?? [], variables, { maxErrors: 10 });
    if (coerced.errors) throw coerced.errors[0]!;
    const field = root.name.value as FeedField;
    const args = getArgumentValues(subscriptionType.getFields()[field]!, originalRoot, coerced.coerced);
    const declared = (operation.variableDefinitions ?? []).map(({ variable }) => variable.name.value);
    const shared = Object.fromEntries(
      declared.filter((name) => Object.hasOwn(variables, name)).map((name) => [name, variables[name]]),
    );
    return { field, args, selection: selectionOf(normalised, shared, args.kinds as ChangeKind[] | null | undefined) };
  }

  function selectionOf(
    normalised: Normalised,
    variables: Record<string, unknown>,
    kinds: ChangeKind[] | null | undefined,
  ): Selection {
    return {
      key: `${JSON.stringify(variables)} ${normalised.text}`,
      kinds: new Set(kinds ?? changeKinds),
      perViewer: normalised.perViewer,
      begin: (atHand) => begin(normalised.document, variables, atHand),
    };
  }

  function begin(document: DocumentNode, variableValues: Record<string, unknown>, atHand: AtHand): Execution {
    const contextFor = openContexts(atHand);
    return {
      run(item: FeedItem, viewer: Viewer | null): Executed | Promise<Executed> {
        let memberRevision = 0;
        const contextValue = contextFor(viewer);
        // Only for the shared execution does it matter what was seen: a viewer's own loads check the viewer.
        if (!viewer)
          contextValue.sawMemberRevision = (revision) => (memberRevision = Math.max(memberRevision, revision));
        const done = (result: ExecutionResult): Executed => ({
          payload: payloadOf(serialise(result)),
          memberRevision,
          fault: result.errors?.map(({ originalError }) => originalError).find(isOfAwayDatabase),
        });
        try {
          const result = execute({ schema, document, rootValue: item, contextValue, variableValues });
          return result instanceof Promise ? result.then(done, failed) : done(result);
        } catch (fault) {
          return failed(fault);
        }
      },
    };
  }

  const failed = (fault: unknown): Executed => ({
    payload: payloadOf(serialise({ errors: [mask(fault)] })),
    memberRevision: 0,
  });

  function serialise({ errors, ...result }: ExecutionResult): string {
    return JSON.stringify(errors ? { errors: errors.map((error) => mask(error).toJSON()), ...result } : result);
  }

  function normalisedOf(document: DocumentNode, operationName: string): Normalised | null {
    let byName = known.get(document);
    if (!byName) known.set(document, (byName = new Map()));
    let normalised = byName.get(operationName);
    if (normalised === undefined) byName.set(operationName, (normalised = normalise(document, operationName)));
    return normalised;
  }

  function normalise(document: DocumentNode, operationName: string): Normalised | null {
    const parts = separateOperations(document);
    const own = operationName === "" ? Object.values(parts)[0] : parts[operationName];
    const original = own && operationOf(own);
    const originalRoot = original && rootOf(own, original.selectionSet);
    if (!originalRoot || !isFeedField(originalRoot.name.value)) return null;
    const stripped = withoutCursors(own, originalRoot);
    const operation = operationOf(stripped)!;
    const root = rootOf(stripped, operation.selectionSet)!;
    return {
      text: print(stripped),
      document: stripped,
      operation,
      root,
      original,
      originalRoot,
      perViewer: dependsOnViewer(stripped),
    };
  }

  function dependsOnViewer(document: DocumentNode): boolean {
    let found = false;
    const typeInfo = new TypeInfo(schema);
    visit(
      document,
      visitWithTypeInfo(typeInfo, {
        Field: () => void (found ||= typeInfo.getFieldDef()?.extensions.perViewer === true),
      }),
    );
    return found;
  }

  return { of };
}

const isFeedField = (name: string): name is FeedField => name === "roomEvents" || name === "inbox";

function operationOf(document: DocumentNode): OperationDefinitionNode | undefined {
  return document.definitions.find((definition) => definition.kind === Kind.OPERATION_DEFINITION);
}

/** The one field of a subscription, which may stand in a fragment. */
export function rootOf(document: DocumentNode, { selections }: SelectionSetNode): FieldNode | undefined {
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) return selection;
    const inner =
      selection.kind === Kind.INLINE_FRAGMENT ? selection.selectionSet : fragmentOf(document, selection.name.value);
    const found = inner && rootOf(document, inner);
    if (found) return found;
  }
  return undefined;
}

function fragmentOf(document: DocumentNode, name: string): SelectionSetNode | undefined {
  const fragment = document.definitions.find((d) => d.kind === Kind.FRAGMENT_DEFINITION && d.name.value === name);
  return fragment && "selectionSet" in fragment ? fragment.selectionSet : undefined;
}

/** Without `after` at the root, and without the variables that only it can use. */
function withoutCursors(document: DocumentNode, root: FieldNode): DocumentNode {
  return visit(document, {
    Field: (node) =>
      node === root ? { ...node, arguments: node.arguments?.filter(({ name }) => name.value !== "after") } : undefined,
    VariableDefinition: ({ type }) => (/^\[?Cursor\b/.test(print(type)) ? null : undefined),
  });
}
