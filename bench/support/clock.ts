const offsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

/** Milliseconds of the machine's monotonic clock: the same clock in every process of this machine, cheap to read. */
export function monotonicMs(): number {
  return performance.now() + offsetMs;
}
