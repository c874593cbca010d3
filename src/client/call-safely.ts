/**
 * Calls what the app gave. A fault in it is the app's: it surfaces as an uncaught error and leaves the caller's state whole.
 */
export function callSafely<A extends unknown[]>(callback: ((...args: A) => void) | undefined, ...args: A): void {
  try {
    callback?.(...args);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
