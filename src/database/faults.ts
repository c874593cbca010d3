/** SQLSTATE classes and codes after which the same statement may succeed: lost connections, conflicts, limits of time. */
const transientClasses = ["08", "40", "53", "55", "57"];

/** No answer to a statement: the connection broke or could not be made, or nothing came in time. */
export class ConnectionFault extends Error {
  readonly isSilence: boolean;

  constructor(message: string, { cause, isSilence = false }: { cause?: unknown; isSilence?: boolean } = {}) {
    super(message, { cause });
    this.isSilence = isSilence;
  }
}

/** Whether it may help to run the same again. Faults without an SQLSTATE are of the connection. */
export function isTransient(fault: unknown): boolean {
  const sqlState = sqlStateOf(fault);
  return sqlState === null || transientClasses.includes(sqlState.slice(0, 2));
}

/** Whether the database is the reason, and is likely to be well again by itself: it is away, or too busy. */
export function isOfAwayDatabase(fault: unknown): boolean {
  return fault instanceof ConnectionFault || (sqlStateOf(fault) !== null && isTransient(fault));
}

/** Null where it is no answer of the database. */
export function sqlStateOf(fault: unknown): string | null {
  const { code } = (fault ?? {}) as { code?: unknown };
  // System errors have codes too, some of five letters.
  const isAnswer = typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) && !("syscall" in (fault as object));
  return isAnswer ? code : null;
}
