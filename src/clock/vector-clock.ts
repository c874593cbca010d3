/** How one clock stands to another: all that it knows the other knows too, the reverse, the same, or neither. */
export type ClockOrder = "before" | "after" | "equal" | "concurrent";

/**
 * An immutable vector clock (Fidge, Mattern, 1988): how far each id has come. An id that it does not hold has not begun.
 * Values of one id compare with `<`: numbers, or texts of one width. Any text can be an id. What changes nothing returns
 * the same clock.
 */
export interface VectorClock<V extends number | string = number> {
  readonly size: number;
  get(id: string): V | undefined;
  entries(): IterableIterator<[id: string, value: V]>;
  compare(other: VectorClock<V>): ClockOrder;
  /** The newer value of each id: the least clock that is before neither of the two. */
  merge(other: VectorClock<V>): VectorClock<V>;
  /** This clock with `id` at `value`; an id never goes back. */
  advance(id: string, value: V): VectorClock<V>;
  /** Without the entries that `by` has as new or newer: what is left, merged into `by`, gives what the whole would give. */
  withoutDominated(by: VectorClock<V>): VectorClock<V>;
  /** Without the ids that are not needed any longer. */
  keep(isNeeded: (id: string) => boolean): VectorClock<V>;
  /** Its entries in the order of their ids; `vectorClockFromJson` reads them back. */
  toJSON(): [id: string, value: V][];
}

/** A clock with the newest of the given values of each id. */
export function vectorClock(entries?: Iterable<readonly [id: string, value: number]>): VectorClock;
export function vectorClock(entries: Iterable<readonly [id: string, value: string]>): VectorClock<string>;
export function vectorClock<V extends number | string>(
  entries: Iterable<readonly [id: string, value: V]> = [],
): VectorClock<V> {
  const values = new Map<string, V>();
  for (const [id, value] of entries) raise(values, id, value);
  return clockOf(values);
}

/** Reads what `toJSON` wrote. @throws SyntaxError on anything else, a mixture of numbers and texts included */
export function vectorClockFromJson<V extends number | string = number>(json: unknown): VectorClock<V> {
  if (!Array.isArray(json) || !json.every(isEntry) || new Set(json.map((entry) => typeof entry[1])).size > 1) {
    throw new SyntaxError("This is no vector clock.");
  }
  return clockOf(new Map(json as [string, V][]));
}

function clockOf<V extends number | string>(values: ReadonlyMap<string, V>): VectorClock<V> {
  const clock: VectorClock<V> = {
    size: values.size,
    get: (id) => values.get(id),
    entries: () => values.entries(),
    compare(other) {
      const isAhead = hasNewer(clock, other);
      const isBehind = hasNewer(other, clock);
      if (isAhead && isBehind) return "concurrent";
      if (isAhead) return "after";
      return isBehind ? "before" : "equal";
    },
    merge(other) {
      const merged = new Map(values);
      let isChanged = false;
      for (const [id, value] of other.entries()) isChanged = raise(merged, id, value) || isChanged;
      return isChanged ? clockOf(merged) : clock;
    },
    advance(id, value) {
      return isNewer(value, values.get(id)) ? clockOf(new Map(values).set(id, value)) : clock;
    },
    withoutDominated(by) {
      return filtered(clock, (id, value) => isNewer(value, by.get(id)));
    },
    keep(isNeeded) {
      return filtered(clock, isNeeded);
    },
    toJSON() {
      return [...values].sort(([a], [b]) => (a < b ? -1 : 1));
    },
  };
  return Object.freeze(clock);
}

function filtered<V extends number | string>(clock: VectorClock<V>, isKept: (id: string, value: V) => boolean) {
  const kept = new Map([...clock.entries()].filter(([id, value]) => isKept(id, value)));
  return kept.size === clock.size ? clock : clockOf(kept);
}

function hasNewer<V extends number | string>(a: VectorClock<V>, b: VectorClock<V>): boolean {
  for (const [id, value] of a.entries()) if (isNewer(value, b.get(id))) return true;
  return false;
}

function isNewer<V extends number | string>(value: V, than: V | undefined): boolean {
  return than === undefined || value > than;
}

function raise<V extends number | string>(values: Map<string, V>, id: string, value: V): boolean {
  if (!isNewer(value, values.get(id))) return false;
  values.set(id, value);
  return true;
}

function isEntry(entry: unknown): entry is [string, number | string] {
  if (!Array.isArray(entry) || entry.length !== 2 || typeof entry[0] !== "string") return false;
  return typeof entry[1] === "string" || Number.isFinite(entry[1]);
}
