/** Runs at most `max` pieces of work at a time; the others wait their turn, in order. */
export function createLimiter(max: number) {
  let running = 0;
  const waiting: (() => void)[] = [];

  async function run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (running >= max) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await work();
    } finally {
      // Whoever is next takes this place, so that nobody who comes now overtakes them.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  }

  return {
    run,
    get waiting() {
      return waiting.length;
    },
  };
}
