/**
 * Makes objects whose parts are made when first asked for. Most operations use few loaders, and the context of an open
 * subscription lives as long as it: what it does not use must not cost memory.
 */
export function lazily<Whole extends object>(makers: readonly (() => Partial<Whole>)[]): () => Whole {
  const prototype = {};
  for (const make of makers) {
    // What is made the first time only tells the names.
    for (const name of Object.keys(make())) {
      Object.defineProperty(prototype, name, {
        get(this: Whole) {
          const parts = make();
          for (const [key, value] of Object.entries(parts)) Object.defineProperty(this, key, { value });
          return parts[name as keyof Whole];
        },
      });
    }
  }
  return () => Object.create(prototype) as Whole;
}
