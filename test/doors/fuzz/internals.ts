/**
 * Texts that only the inside of the server could have put into an answer: stacks, paths, SQL and its faults, names of tables
 * and of what stands behind the database's connection. None is a word of the schema.
 */
const internals: Readonly<Record<string, RegExp>> = {
  stack: /\n\s+at |\bat (async )?[\w.<>]+ \(|\.[cm]?[tj]s:\d+/,
  path: /node_modules|file:\/\/|\/(home|root|srv|usr|var|tmp|work)\//,
  statement: /\b(select|insert into|update|delete from)\b[^"]*\b(from|set|values|where)\b/i,
  fault:
    /relation "|column "|constraint|duplicate key|invalid input syntax|byte sequence|out of range for type|deadlock|PL\/pgSQL|SQLSTATE/i,
  names:
    /read_ranges|read_progress|room_id|sender_id|member_revision|send_messages|mark_read|pg_[a-z]+|ioredis|ECONN[A-Z]+/,
  programs: /TypeError|RangeError|ReferenceError|Cannot read propert|is not a function|is not iterable|undefined \(/,
};

/** What an answer tells of the inside of the server, with the text around it; null where it tells nothing. */
export function internalTextIn(answer: string): string | null {
  for (const [name, pattern] of Object.entries(internals)) {
    const found = pattern.exec(answer);
    if (found) return `${name}: …${answer.slice(Math.max(found.index - 100, 0), found.index + 200)}…`;
  }
  return null;
}
