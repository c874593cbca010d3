import type { Bus } from "../../src/live/bus.ts";

type Publication = { from: Bus; channel: string; text: string };

/** A bus between the nodes of one process, that can be made to lose, hold back and turn round what it carries. */
export class TestBus {
  /** What becomes of a publication: it is carried to all nodes, kept for `release`, or lost. */
  fate: "carried" | "held" | "lost" = "carried";
  readonly held: Publication[] = [];
  /** All that was published. */
  readonly published: Publication[] = [];
  readonly #listeners = new Map<string, Set<(text: string) => void>>();

  /** One node's end of it. */
  open({ up = true } = {}): Bus {
    const own = new Set<() => void>();
    const close = async () => {
      for (const stop of own) stop();
    };
    const bus: Bus = {
      publish: async (channel, text) => {
        const publication = { from: bus, channel, text };
        this.published.push(publication);
        if (this.fate === "held") this.held.push(publication);
        // As with a network between: nobody hears it in the middle of what the publisher is doing.
        if (this.fate === "carried") setImmediate(() => this.#carry(publication));
        return up;
      },
      subscribe: (channel, listener) => {
        const listeners = this.#listeners.get(channel) ?? new Set();
        this.#listeners.set(channel, listeners.add(listener));
        const stop = () => void listeners.delete(listener);
        own.add(stop);
        return { acknowledged: Promise.resolve(up), close: async () => stop() };
      },
      up,
      onRecovered: () => () => undefined,
      onStateChange: () => () => undefined,
      close,
      [Symbol.asyncDispose]: close,
    };
    return bus;
  }

  /** Carries what was held back, in the order that `arrange` gives it. */
  release(arrange: (held: Publication[]) => Publication[] = (held) => held): void {
    for (const publication of arrange(this.held.splice(0))) this.#carry(publication);
  }

  #carry({ channel, text }: Publication): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener(text);
  }
}
