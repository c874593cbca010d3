export type BatcherOptions<Item, Result> = {
  /** One round trip and one commit; one result for each item, in their order. */
  run: (batch: Item[]) => Promise<Result[]>;
  /** Items of one lane keep their order: a lane is in at most one batch at a time. */
  laneOf: (item: Item) => string;
  /** Two items of one key never go in one batch. */
  keyOf: (item: Item) => string;
  /** Whether a batch that failed so may be repeated as it is; otherwise its items are tried one by one. */
  isTransient: (fault: unknown) => boolean;
  /** Thrown when `maxWaiting` items wait. */
  overloaded: () => Error;
  maxBatch?: number;
  maxInFlight?: number;
  maxWaiting?: number;
};

/** Splitting fewer than that would cost more commits than it saves time. */
const minShare = 16;

type Waiting<Item, Result> = { item: Item; resolve: (result: Result) => void; reject: (fault: unknown) => void };

export interface Batcher<Item, Result> {
  add(item: Item): Promise<Result>;
  /** Resolves when nothing waits and nothing is in flight. */
  idle(): Promise<void>;
}

/**
 * What arrives while others are in flight goes together. `run` must be idempotent: a batch whose answer was lost is
 * repeated, once.
 */
export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>): Batcher<Item, Result> {
  const { run, laneOf, keyOf, isTransient, overloaded, maxBatch = 100, maxInFlight = 2, maxWaiting = 10_000 } = options;
  /** In the order in which they are served next. */
  const lanes = new Map<string, Waiting<Item, Result>[]>();
  const busy = new Set<string>();
  let waiting = 0;
  let inFlight = 0;
  let pumping = false;
  let whenIdle: (() => void)[] = [];

  function add(item: Item): Promise<Result> {
    if (waiting >= maxWaiting) return Promise.reject(overloaded());
    return new Promise<Result>((resolve, reject) => {
      const lane = laneOf(item);
      const queue = lanes.get(lane);
      if (queue) queue.push({ item, resolve, reject });
      else lanes.set(lane, [{ item, resolve, reject }]);
      waiting += 1;
      schedule();
    });
  }

  // What arrives in one turn of the event loop should share a batch, hence not at once.
  function schedule(): void {
    if (pumping) return;
    pumping = true;
    queueMicrotask(() => {
      pumping = false;
      pump();
    });
  }

  function pump(): void {
    while (inFlight < maxInFlight) {
      const { batch, taken } = take();
      if (batch.length === 0) return;
      inFlight += 1;
      void settle(batch).finally(() => {
        inFlight -= 1;
        for (const lane of taken) busy.delete(lane);
        pump();
        if (inFlight === 0 && waiting === 0) {
          for (const resolve of whenIdle) resolve();
          whenIdle = [];
        }
      });
    }
  }

  function take(): { batch: Waiting<Item, Result>[]; taken: string[] } {
    const batch: Waiting<Item, Result>[] = [];
    const taken: string[] = [];
    const keys = new Set<string>();
    // Lanes are shared out among the free places, so that one batch's way to the database and back overlaps with
    // another's; a few items go together all the same. What waits in one lane cannot be in two batches: it goes whole.
    const share = Math.max(minShare, Math.ceil(waiting / (maxInFlight - inFlight)));
    for (const [lane, queue] of lanes) {
      if (batch.length >= Math.min(share, maxBatch)) break;
      if (busy.has(lane)) continue;
      let count = 0;
      while (count < queue.length && batch.length < maxBatch && !keys.has(keyOf(queue[count]!.item))) {
        keys.add(keyOf(queue[count]!.item));
        batch.push(queue[count]!);
        count += 1;
      }
      if (count === 0) continue;
      busy.add(lane);
      taken.push(lane);
      lanes.delete(lane);
      // What is left goes to the end of the line, so that a hot room does not starve the others.
      if (count < queue.length) lanes.set(lane, queue.slice(count));
    }
    waiting -= batch.length;
    return { batch, taken };
  }

  async function settle(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      await deliver(batch);
    } catch (fault) {
      if (isTransient(fault)) await deliver(batch).catch((again) => rejectAll(batch, again));
      else if (batch.length === 1) rejectAll(batch, fault);
      else for (const one of batch) await deliver([one]).catch(one.reject);
    }
  }

  function rejectAll(batch: Waiting<Item, Result>[], fault: unknown): void {
    for (const { reject } of batch) reject(fault);
  }

  async function deliver(batch: Waiting<Item, Result>[]): Promise<void> {
    const results = await run(batch.map(({ item }) => item));
    batch.forEach(({ resolve }, index) => resolve(results[index]!));
  }

  const idle = () =>
    inFlight === 0 && waiting === 0 ? Promise.resolve() : new Promise<void>((resolve) => whenIdle.push(resolve));
  return { add, idle };
}
