import pg from "pg";

type Hook = () => Promise<unknown>;
type Query = (this: pg.Client, ...args: unknown[]) => unknown;

/** Statements that the servers of this process send to one database, seen at the driver. */
export interface Statements extends Disposable {
  /** Their names, or texts where they have none, in the order of their sending. */
  readonly sent: string[];
  /** The statements that `work` makes the servers send. */
  during(work: () => Promise<unknown>): Promise<string[]>;
  /** Keeps the answer to the next statement of that name back until `hook` is through. Resolves when it is. */
  afterNext(name: string, hook: Hook): Promise<void>;
}

/** Ends with `using`. One at a time for a database. */
export function watchStatements(databaseUrl: string): Statements {
  const database = new URL(databaseUrl).pathname.slice(1);
  const hooks = new Map<string, Hook>();
  const sent: string[] = [];
  const prototype = pg.Client.prototype as unknown as { query: Query };
  const { query: original } = prototype;

  prototype.query = function (this: pg.Client, ...args) {
    const name = isOurs(this) ? nameOf(args[0]) : undefined;
    if (name === undefined) return original.apply(this, args);
    sent.push(name);
    const hook = hooks.get(name);
    if (!hook) return original.apply(this, args);
    hooks.delete(name);
    const last = args.at(-1);
    if (typeof last !== "function") {
      const answer = original.apply(this, args) as Promise<unknown>;
      return answer.then((result) => hook().then(() => result));
    }
    const answered = (...answer: unknown[]) => void hook().finally(() => Reflect.apply(last, this, answer));
    return original.apply(this, [...args.slice(0, -1), answered]);
  };

  const isOurs = (client: pg.Client) => {
    const { connectionParameters } = client as unknown as { connectionParameters: { application_name?: string } };
    return client.database === database && connectionParameters.application_name?.startsWith("causerie");
  };

  return {
    sent,
    async during(work) {
      const start = sent.length;
      await work();
      return sent.slice(start);
    },
    afterNext: (name, hook) =>
      new Promise<void>((resolve, reject) => {
        hooks.set(name, async () => {
          await hook().then(() => resolve(), reject);
        });
      }),
    [Symbol.dispose]() {
      prototype.query = original;
    },
  };
}

function nameOf(statement: unknown): string | undefined {
  if (typeof statement === "string") return statement;
  const { name, text } = statement as { name?: string; text?: string };
  return name ?? text;
}
