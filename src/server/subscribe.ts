import { type ExecutionArgs, type ExecutionResult, getOperationAST, type GraphQLSchema } from "graphql";
import type { Connection, Context, Viewer } from "../graphql/builder.ts";
import { viewerOf } from "../graphql/builder.ts";
import type { Mask } from "../graphql/errors.ts";
import { subscribeToSource } from "../graphql/source-events.ts";
import type { Feeds } from "../log/feeds.ts";
import { rootOf, type Asked, type Selections } from "../log/selections.ts";
import type { OpenSink } from "./sinks.ts";

/** Never rejects: what went wrong is in the result. */
export type Subscribe = (
  args: ExecutionArgs,
  openSink: () => OpenSink,
) => Promise<AsyncGenerator<unknown, void, void> | ExecutionResult>;

/** Subscribes to the log through the hub, to anything else as graphql does. The same for both doors. */
export function createSubscribe({
  schema,
  selections,
  feeds,
  newEventContext,
  mask,
}: {
  schema: GraphQLSchema;
  selections: Selections;
  feeds: Feeds;
  newEventContext: (viewer: Viewer, connection: Connection | null) => Context;
  mask: Mask;
}) {
  const open = Object.fromEntries(Object.keys(schema.getSubscriptionType()!.getFields()).map((field) => [field, 0]));

  /** Counts one until the function is called that it gives. */
  function count(field: string): () => void {
    open[field]! += 1;
    return () => void (open[field]! -= 1);
  }

  const subscribe: Subscribe = async (args, openSink) => {
    let sink: OpenSink | undefined;
    try {
      const { document, operationName, variableValues, contextValue } = args;
      const variables = (variableValues as Record<string, unknown> | null | undefined) ?? {};
      const asked = selections.of({ document, operationName, variables });
      if (!asked) return await follow(args);
      sink = openSink();
      await openFeed(asked, contextValue as Context, sink);
      sink.onClose(count(asked.field));
      return sink.stream;
    } catch (error) {
      sink?.close();
      return { errors: [mask(error)] };
    }
  };

  function follow(args: ExecutionArgs): Promise<AsyncGenerator<ExecutionResult, void, void> | ExecutionResult> {
    const { viewer, connection } = args.contextValue as Context;
    const operation = getOperationAST(args.document, args.operationName)!;
    const { value: field } = rootOf(args.document, operation.selectionSet)!.name;
    return subscribeToSource(args, {
      contextOfEvent: () => newEventContext(viewer!, connection),
      onOpen: () => count(field),
    });
  }

  function openFeed({ field, args, selection }: Asked, context: Context, sink: OpenSink): Promise<void> {
    const viewer = viewerOf(context);
    if (field === "inbox")
      return feeds.openInbox({ viewer, selection, sink, after: (args.after as string[] | null) ?? null });
    return feeds.openRoomEvents({
      viewer,
      selection,
      sink,
      roomId: args.roomId as string,
      after: (args.after as string | null) ?? null,
    });
  }

  return Object.assign(subscribe, {
    /** How many are open, by field. */
    open: (): Readonly<Record<string, number>> => open,
  });
}
