import { type ExecutionArgs, type ExecutionResult } from "graphql";
import type { Connection, Context, Viewer } from "../graphql/builder.ts";
import { viewerOf } from "../graphql/builder.ts";
import type { Mask } from "../graphql/errors.ts";
import { subscribeToSource } from "../graphql/source-events.ts";
import type { Feeds } from "../log/feeds.ts";
import type { Asked, Selections } from "../log/selections.ts";
import type { OpenSink } from "./sinks.ts";

/** Never rejects: what went wrong is in the result. */
export type Subscribe = (
  args: ExecutionArgs,
  openSink: () => OpenSink,
) => Promise<AsyncGenerator<unknown, void, void> | ExecutionResult>;

/** Subscribes to the log through the hub, to anything else as graphql does. The same for both doors. */
export function createSubscribe({
  selections,
  feeds,
  newEventContext,
  mask,
}: {
  selections: Selections;
  feeds: Feeds;
  newEventContext: (viewer: Viewer, connection: Connection | null) => Context;
  mask: Mask;
}): Subscribe {
  return async function subscribeThroughHub(args, openSink) {
    let sink: OpenSink | undefined;
    try {
      const { document, operationName, variableValues, contextValue } = args;
      const variables = (variableValues as Record<string, unknown> | null | undefined) ?? {};
      const asked = selections.of({ document, operationName, variables });
      if (!asked) {
        const { viewer, connection } = contextValue as Context;
        return await subscribeToSource(args, () => newEventContext(viewer!, connection));
      }
      sink = openSink();
      await open(asked, contextValue as Context, sink);
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
