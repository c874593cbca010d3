import { isLater } from "./presence-board.announcement.ts";
import type { BucketVersion } from "./presence-board.announcement.ts";

/** Beyond, they are forgotten but for the latest: that there is a gap stays known. */
const maxEarly = 256;

/** Versions of a bucket that were announced before the ones that lead up to them. */
export class EarlyVersions {
  /** By the version before it. */
  readonly #next = new Map<string, BucketVersion>();
  /** Known to be there. */
  #expected: BucketVersion | null = null;

  get isEmpty(): boolean {
    return this.#next.size === 0 && this.#expected === null;
  }

  add(previous: string, version: BucketVersion): void {
    if (this.#next.size >= maxEarly) this.#expectAtLeastThese();
    this.#next.set(previous, version);
  }

  expect(version: BucketVersion): void {
    if (this.#expected === null || isLater(version, this.#expected)) this.#expected = version;
  }

  clear(): void {
    this.#next.clear();
    this.#expected = null;
  }

  /** How far one gets from `version`. What lies behind that is forgotten. */
  follow(version: BucketVersion): BucketVersion {
    let reached = version;
    for (let next = this.#next.get(reached.text); next !== undefined; next = this.#next.get(reached.text)) {
      reached = next;
    }
    for (const [previous, next] of this.#next) if (!isLater(next, reached)) this.#next.delete(previous);
    if (this.#expected !== null && !isLater(this.#expected, reached)) this.#expected = null;
    return reached;
  }

  /** So that the gap is not forgotten with what is behind it. */
  #expectAtLeastThese(): void {
    for (const version of this.#next.values()) this.expect(version);
    this.#next.clear();
  }
}
