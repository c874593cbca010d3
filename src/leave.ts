const signals = ["SIGINT", "SIGTERM"] as const;
/** What asked us to end may kill us after 15 s, or sooner. */
const leaveWithinMs = 14_500;
/** npm passes a terminal's Ctrl-C on to a process that has got it already. */
const sameSignalMs = 500;

/**
 * Waits for SIGINT or SIGTERM, then closes. A second one ends the process at once, with 1. It ends also, with 0, where closing
 * takes too long: what was acknowledged is kept by then, and all clients were sent away; what is left waits for a server that
 * does not answer.
 */
export async function leaveOnSignal(close: () => Promise<void>): Promise<void> {
  await anySignal();
  const asked = performance.now();
  for (const name of signals) process.on(name, () => performance.now() - asked > sameSignalMs && process.exit(1));
  setTimeout(() => {
    process.stderr.write(`Closing took more than ${leaveWithinMs} ms: leaving without waiting longer.\n`);
    process.exit(0);
  }, leaveWithinMs).unref();
  await close();
}

function anySignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const name of signals) process.once(name, () => resolve());
  });
}
