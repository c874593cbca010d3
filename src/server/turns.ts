/**
 * Runs one client's mutations in the order in which they came. Those that keep their order by themselves (`overlaps`) may
 * run side by side; any other waits for all before it, and all after it wait for it.
 */
export function createTurns() {
  let barrier: Promise<void> | undefined;
  const overlapping = new Set<Promise<void>>();

  return function inTurn<Result>(overlaps: boolean, run: () => Result | Promise<Result>): Result | Promise<Result> {
    const before = overlaps ? [barrier] : [barrier, ...overlapping];
    const due = before.filter((promise) => promise !== undefined);
    const result = due.length === 0 ? run() : Promise.all(due).then(run);
    if (!(result instanceof Promise)) return result;
    const settled: Promise<void> = result.then(
      () => settle(settled),
      () => settle(settled),
    );
    if (overlaps) overlapping.add(settled);
    else barrier = settled;
    return result;
  };

  function settle(promise: Promise<void>): void {
    overlapping.delete(promise);
    if (barrier === promise) barrier = undefined;
  }
}
