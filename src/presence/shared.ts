/** Something that is open as long as somebody uses it, one for each key. */
export class Shared<Value extends Disposable> {
  readonly #open: (key: string) => Promise<Value>;
  readonly #entries = new Map<string, { value: Promise<Value>; users: number }>();

  constructor(open: (key: string) => Promise<Value>) {
    this.#open = open;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** To be released once by whoever it resolves for. A failure to open is everybody's who waited for it. */
  async hold(key: string): Promise<{ value: Value; release: () => void }> {
    const entry = this.#entries.get(key) ?? { value: this.#open(key), users: 0 };
    this.#entries.set(key, entry);
    entry.users += 1;
    let isHeld = true;
    const release = (value?: Value) => {
      if (!isHeld) return;
      isHeld = false;
      entry.users -= 1;
      if (entry.users > 0) return;
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      value?.[Symbol.dispose]();
    };
    try {
      const value = await entry.value;
      return { value, release: () => release(value) };
    } catch (fault) {
      release();
      throw fault;
    }
  }
}
