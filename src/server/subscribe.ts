import { subscribe, type ExecutionArgs, type ExecutionResult, type GraphQLError } from "graphql";
import type { Context } from "../graphql/builder.ts";
import { viewerOf } from "../graphql/builder.ts";
import type { Feeds } from "../log/feeds.ts";
import type { Asked, Selections } from "../log/selections.ts";
import type { OpenSink } from "./sinks.ts";

export type Subscribe = (args: ExecutionArgs) => Promise<AsyncIterable<unknown> | ExecutionResult>;

/** Subscribes to the log through the hub, to anything else as graphql does. The same for both doors. */
export function createSubscribe(use: {
  selections: Selections;
  feeds: Feeds;
  mask: (error: unknown) => GraphQLError;
  /** For doors that have no sink of their own. */
  openSink: () => OpenSink;
}): Subscribe {
  const { selections, feeds, mask } = use;

  return async function subscribeThroughHub(args) {
    const context = args.contextValue as Context & { openSink?: () => OpenSink };
    let sink: OpenSink | undefined;
    try {
      const { document, operationName, variableValues } = args;
      const asked = selections.of({
        document,
        operationName,
        variables: (variableValues as Record<string, unknown>) ?? {},
      });
      if (!asked) return (await subscribe(args)) as AsyncIterable<unknown> | ExecutionResult;
      sink = context.openSink?.() ?? use.openSink();
      await open(asked, context, sink);
      return sink.stream;
    } catch (error) {
      sink?.close();
      return { errors: [mask(error)] };
    }
  };

  function open({ field, args, selection }: Asked, context: Context, sink: OpenSink): Promise<void> {
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
}
