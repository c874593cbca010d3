/**
 * Runs one client's mutations in the order in which they came. Those that keep their order by themselves (`overlaps`) may
 * run side by side; any other waits for all before it, and all after it wait for it.
 */
export class Turns {
  #barrier: Promise<void> | undefined;
  readonly #overlapping = new Set<Promise<void>>();

  take<Result>(overlaps: boolean, run: () => Result | Promise<Result>): Result | Promise<Result> {
    const due = overlaps ? [] : [...this.#overlapping];
    if (this.#barrier) due.push(this.#barrier);
    const result = due.length === 0 ? run() : Promise.all(due).then(run);
    if (!(result instanceof Promise)) return result;
    const settled: Promise<void> = result.then(
      () => this.#settle(settled),
      () => this.#settle(settled),
    );
    if (overlaps) this.#overlapping.add(settled);
    else this.#barrier = settled;
    return result;
  }

  #settle(promise: Promise<void>): void {
    this.#overlapping.delete(promise);
    if (this.#barrier === promise) this.#barrier = undefined;
  }
}
