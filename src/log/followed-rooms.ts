import { Refusal } from "../errors.ts";

/** How many rooms the subscriptions of each user follow, each counted in each: what a node keeps for a user is bounded. */
export class FollowedRooms {
  readonly #max: number;
  readonly #byUser = new Map<string, number>();

  constructor({ max }: { max: number }) {
    this.#max = max;
  }

  /** How many users are counted. */
  get users(): number {
    return this.#byUser.size;
  }

  /** @throws Refusal RATE_LIMITED where these would be too many; then none is counted */
  take(userId: string, count: number): void {
    const followed = (this.#byUser.get(userId) ?? 0) + count;
    if (followed > this.#max)
      throw new Refusal(
        "RATE_LIMITED",
        `All of your subscriptions together follow ${this.#max} rooms, each counted in each.`,
      );
    if (followed > 0) this.#byUser.set(userId, followed);
  }

  giveBack(userId: string, count: number): void {
    const left = (this.#byUser.get(userId) ?? 0) - count;
    if (left > 0) this.#byUser.set(userId, left);
    else this.#byUser.delete(userId);
  }
}
