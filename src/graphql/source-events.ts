import { createSourceEventStream, execute, type ExecutionArgs, type ExecutionResult } from "graphql";

/**
 * As graphql's `subscribe`, with a context of its own for each event: what was loaded for one must not be told with the next.
 */
export async function subscribeToSource(
  args: ExecutionArgs,
  {
    contextOfEvent,
    onOpen,
  }: { contextOfEvent: () => unknown; /** Gives what is called once it is over. */ onOpen: () => () => void },
): Promise<AsyncGenerator<ExecutionResult, void, void> | ExecutionResult> {
  const source = await createSourceEventStream(args);
  if (!(Symbol.asyncIterator in source)) return source;
  const events = source[Symbol.asyncIterator]();
  let onEnd: (() => void) | undefined = onOpen();
  const over = () => {
    onEnd?.();
    onEnd = undefined;
  };
  const done = { done: true as const, value: undefined };

  async function end(): Promise<IteratorReturnResult<void>> {
    over();
    await events.return?.();
    return done;
  }

  const results: AsyncGenerator<ExecutionResult, void, void> = {
    async next() {
      const event = await events.next().catch((fault: unknown) => {
        over();
        throw fault;
      });
      if (event.done === true) {
        over();
        return done;
      }
      const value = await execute({ ...args, rootValue: event.value, contextValue: contextOfEvent() });
      return { done: false, value };
    },
    return: end,
    async throw(fault) {
      await end();
      throw fault;
    },
    [Symbol.asyncIterator]: () => results,
    async [Symbol.asyncDispose]() {
      await end();
    },
  };
  return results;
}
