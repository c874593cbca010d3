import {
  type ExecutionArgs,
  type ExecutionResult,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  type GraphQLSchema,
} from "graphql";
import type { Connection, Context, Viewer } from "../graphql/builder.ts";
import { viewerOf } from "../graphql/builder.ts";
import type { Mask } from "../graphql/errors.ts";
import { subscribeToSource } from "../graphql/source-events.ts";
import type { Feeds } from "../log/feeds.ts";
import { rootOf, type Asked, type Selections } from "../log/selections.ts";
import type { LiveCosts } from "./live-costs.ts";
import type { OpenSink } from "./sinks.ts";

/** Never rejects: what went wrong is in the result. */
export type Subscribe = (
  args: ExecutionArgs,
  options: { /** For each event, as the query's limits count it. */ cost: number; openSink: () => OpenSink },
) => Promise<AsyncGenerator<unknown, void, void> | ExecutionResult>;

/** Subscribes to the log through the hub, to anything else as graphql does. The same for both doors. */
export function createSubscribe({
  schema,
  selections,
  feeds,
  liveCosts,
  newEventContext,
  mask,
}: {
  schema: GraphQLSchema;
  selections: Selections;
  feeds: Feeds;
  liveCosts: LiveCosts;
  newEventContext: (viewer: Viewer, connection: Connection | null) => Context;
  mask: Mask;
}) {
  const fields = schema.getSubscriptionType()!.getFields();
  const open = Object.fromEntries(Object.keys(fields).map((field) => [field, 0]));

  /** Counts one until the function is called that it gives. */
  function count(field: string): () => void {
    open[field]! += 1;
    return () => void (open[field]! -= 1);
  }

  const subscribe: Subscribe = async (args, { cost, openSink }) => {
    let sink: OpenSink | undefined;
    try {
      const { document, operationName, variableValues, contextValue } = args;
      const variables = (variableValues as Record<string, unknown> | null | undefined) ?? {};
      const asked = selections.of({ document, operationName, variables });
      if (!asked) return await follow(args, cost);
      const giveBack = takeFeed(asked, contextValue as Context, cost);
      sink = openSink();
      sink.onClose(giveBack);
      await openFeed(asked, { context: contextValue as Context, cost, sink });
      sink.onClose(count(asked.field));
      return sink.stream;
    } catch (error) {
      sink?.close();
      return { errors: [mask(error)] };
    }
  };

  function takeFeed({ field, args, selection }: Asked, context: Context, cost: number): () => void {
    const scope = field === "inbox" ? field : `room ${String(args.roomId)}`;
    const key = selection.perViewer ? null : selection.key;
    return liveCosts.take({ userId: viewerOf(context).id, scope, key, cost });
  }

  /** Each is executed by itself. */
  async function follow(
    args: ExecutionArgs,
    cost: number,
  ): Promise<AsyncGenerator<ExecutionResult, void, void> | ExecutionResult> {
    const { viewer, connection } = args.contextValue as Context;
    const operation = getOperationAST(args.document, args.operationName)!;
    const root = rootOf(args.document, operation.selectionSet)!;
    const { value: field } = root.name;
    const { variableDefinitions = [] } = operation;
    const { errors, coerced } = getVariableValues(schema, variableDefinitions, args.variableValues ?? {}, {
      maxErrors: 10,
    });
    if (errors) return { errors };
    const { roomId } = getArgumentValues(fields[field]!, root, coerced) as { roomId?: string };
    const scope = roomId === undefined ? field : `${field} ${roomId}`;
    const giveBack = liveCosts.take({ userId: viewerOf(args.contextValue as Context).id, scope, key: null, cost });
    let isOpen = false;
    try {
      return await subscribeToSource(args, {
        contextOfEvent: () => newEventContext(viewer!, connection),
        onOpen() {
          isOpen = true;
          const discount = count(field);
          return () => {
            discount();
            giveBack();
          };
        },
      });
    } finally {
      if (!isOpen) giveBack();
    }
  }

  function openFeed(
    { field, args, selection }: Asked,
    { context, cost, sink }: { context: Context; cost: number; sink: OpenSink },
  ): Promise<void> {
    const asking = { viewer: viewerOf(context), selection, cost, sink };
    if (field === "inbox") return feeds.openInbox({ ...asking, after: (args.after as string[] | null) ?? null });
    return feeds.openRoomEvents({
      ...asking,
      roomId: args.roomId as string,
      after: (args.after as string | null) ?? null,
    });
  }

  return Object.assign(subscribe, {
    /** How many are open, by field. */
    open: (): Readonly<Record<string, number>> => open,
  });
}
