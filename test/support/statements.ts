import pg from "pg";

type Query = (this: unknown, statement: string | { name?: string; text: string }, ...rest: unknown[]) => unknown;

/** The statements that this process gives to its databases while `work` runs, by name or text, in their order. */
export async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  const prototype = pg.Client.prototype as unknown as { query: Query };
  const { query } = prototype;
  const seen: string[] = [];
  prototype.query = function (statement, ...rest) {
    seen.push(typeof statement === "string" ? statement : (statement.name ?? statement.text));
    return query.call(this, statement, ...rest);
  };
  try {
    await work();
  } finally {
    prototype.query = query;
  }
  return seen;
}
