const done = { done: true as const, value: undefined };

/**
 * The same, but ends at once when the client wants no more of it: neither a response that was being made meanwhile nor a
 * fault comes after that.
 */
export function untilAbandoned<Value>(
  stream: AsyncGenerator<Value, void, void>,
  operation: { readonly isAbandoned: boolean },
): AsyncGenerator<Value, void, void> {
  const guarded: AsyncGenerator<Value, void, void> = {
    async next() {
      try {
        const result = await stream.next();
        return operation.isAbandoned ? done : result;
      } catch (fault) {
        if (operation.isAbandoned) return done;
        throw fault;
      }
    },
    async return() {
      return stream.return();
    },
    async throw(fault) {
      return stream.throw(fault);
    },
    [Symbol.asyncIterator]: () => guarded,
    async [Symbol.asyncDispose]() {
      await stream.return();
    },
  };
  return guarded;
}
