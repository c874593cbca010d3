/** SQLSTATE classes and codes after which the same statement may succeed: lost connections, conflicts, limits of time. */
const transientClasses = ["08", "40", "53", "55", "57"];

/** Whether it may help to run the same again. Faults without an SQLSTATE are of the connection. */
export function isTransient(fault: unknown): boolean {
  const { code } = fault as { code?: unknown };
  if (typeof code !== "string" || !/^[0-9A-Z]{5}$/.test(code)) return true;
  return transientClasses.includes(code.slice(0, 2));
}
