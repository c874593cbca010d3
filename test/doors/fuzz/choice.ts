import { randomOf } from "../../support/app.ts";

/** Makes choices, the same ones for the same seed. */
export class Choice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = randomOf(seed);
  }

  /** From 0 to `below`. */
  int(below: number): number {
    return Math.floor(this.#random() * below);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  of<Item>(items: readonly Item[]): Item {
    return items[this.int(items.length)]!;
  }

  /** Each with this probability, in their order; at least one where there are any. */
  some<Item>(items: readonly Item[], probability: number): Item[] {
    const chosen = items.filter(() => this.chance(probability));
    return chosen.length > 0 || items.length === 0 ? chosen : [this.of(items)];
  }

  list<Item>(maxLength: number, item: () => Item): Item[] {
    return Array.from({ length: this.int(maxLength + 1) }, item);
  }
}
