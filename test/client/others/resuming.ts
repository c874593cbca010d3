import type { Client, FormattedExecutionResult } from "graphql-ws";

type Item = { cursor?: string; cursors?: string[] };

/**
 * A graphql-ws client whose subscriptions to `roomEvents` go on where they were when it connects again. It repeats a
 * subscription with the variables that it was given, written anew each time: so the newest cursor has only to be put there.
 */
export function resuming(client: Client): Client {
  return {
    ...client,
    subscribe(payload, sink) {
      const variables = { ...payload.variables };
      function next(result: FormattedExecutionResult<never, never>) {
        const item = (result.data as { roomEvents?: Item } | null | undefined)?.roomEvents;
        const cursor = item?.cursor ?? item?.cursors?.[0];
        if (cursor !== undefined) variables.after = cursor;
        sink.next(result);
      }
      return client.subscribe({ ...payload, variables }, { ...sink, next });
    },
  };
}
