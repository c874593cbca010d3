import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import type { Cluster, Redis } from "ioredis";
import type { Logger } from "pino";
import type { BoardClock } from "./presence-board.clock.ts";

const scripts = {
  lease: load("presence-lease"),
  write: load("presence-write"),
  read: load("presence-read"),
  end: load("presence-end"),
  forget: load("presence-forget"),
};

function load(name: string) {
  const text = readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), "utf8");
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}

/** Redis as the presence board uses it: every question has an answer, or null, in time. */
export class BoardRedis {
  readonly #client: Redis | Cluster;
  readonly #clock: BoardClock;
  readonly #answerWithinMs: number;
  readonly #log: Logger;
  readonly #failing = new Set<string>();

  constructor(options: { client: Redis | Cluster; clock: BoardClock; answerWithinMs: number; log: Logger }) {
    this.#client = options.client;
    this.#clock = options.clock;
    this.#answerWithinMs = options.answerWithinMs;
    this.#log = options.log;
  }

  /** Null: there was no answer; the script may have been run, or be run yet. All keys are of one slot. */
  run(
    name: keyof typeof scripts,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown[] | null> {
    const { sha, text } = scripts[name];
    return this.ask(name, async (client) => {
      try {
        return (await client.evalsha(sha, keys.length, ...keys, ...args)) as unknown[];
      } catch (error) {
        if (!String(error).includes("NOSCRIPT")) throw error;
        return (await client.eval(text, keys.length, ...keys, ...args)) as unknown[];
      }
    });
  }

  /** Null: there was no answer. `doing` names the question in the log, where each interruption is told once. */
  async ask<T>(doing: string, question: (client: Redis | Cluster) => Promise<T>): Promise<T | null> {
    const late = Promise.withResolvers<never>();
    const callOff = this.#clock.after(this.#answerWithinMs, () => late.reject(new Error("No answer in time.")));
    try {
      const answer = await Promise.race([question(this.#client), late.promise]);
      this.#failing.delete(doing);
      return answer;
    } catch (error) {
      const known = this.#failing.has(doing);
      this.#failing.add(doing);
      this.#log[known ? "debug" : "warn"]({ err: error, doing }, "The presence board has no answer from Redis");
      return null;
    } finally {
      callOff();
    }
  }
}
