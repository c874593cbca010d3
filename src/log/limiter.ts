/**
 * Runs at most `max` pieces of work at a time. The others wait: each one's own in their order, and those of different ones
 * in turn, so that nobody waits for all that somebody else wants.
 */
export function createLimiter(max: number) {
  let running = 0;
  let waiting = 0;
  /** In the order in which they are served next. */
  const queues = new Map<string, (() => void)[]>();

  async function run<Result>(whose: string, work: () => Promise<Result>): Promise<Result> {
    if (running >= max) await turn(whose);
    else running += 1;
    try {
      return await work();
    } finally {
      // Whoever is next takes this place, so that nobody who comes now overtakes them.
      const next = takeNext();
      if (next) next();
      else running -= 1;
    }
  }

  function turn(whose: string): Promise<void> {
    return new Promise<void>((resolve) => {
      const queue = queues.get(whose);
      if (queue) queue.push(resolve);
      else queues.set(whose, [resolve]);
      waiting += 1;
    });
  }

  function takeNext(): (() => void) | undefined {
    const [first] = queues;
    if (!first) return undefined;
    const [whose, queue] = first;
    queues.delete(whose);
    const next = queue.shift();
    if (queue.length > 0) queues.set(whose, queue);
    waiting -= 1;
    return next;
  }

  return {
    run,
    get waiting() {
      return waiting;
    },
  };
}
