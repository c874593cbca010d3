/** Values in the order of `compare`, for lists that grow large in any order: finding and putting take O(log n) steps. */
export interface SortedList<T> {
  readonly size: number;
  /** Puts a value in its place, or in the place of the one that it equals, which is given back. */
  put(value: T): T | undefined;
  /** Takes out the value that equals this one. */
  delete(value: T): T | undefined;
  first(): T | undefined;
  toArray(): T[];
}

/** Above it a chunk is cut in two. Moving so many references is one short copy in memory. */
const maxChunk = 512;

/** Sorted chunks in a sorted list: a B-tree of two levels. No chunk is ever empty. */
export function createSortedList<T>(compare: (a: T, b: T) => number): SortedList<T> {
  const chunks: T[][] = [];
  let size = 0;

  /** The last chunk that begins at or before the value, or else the first. */
  function chunkOf(value: T): number {
    const next = firstIndex(chunks.length, (index) => compare(chunks[index]![0]!, value) > 0);
    return Math.max(0, next - 1);
  }

  function placeOf(value: T) {
    const chunkIndex = chunkOf(value);
    const chunk = chunks[chunkIndex] ?? [];
    const index = firstIndex(chunk.length, (at) => compare(chunk[at]!, value) >= 0);
    const isThere = index < chunk.length && compare(chunk[index]!, value) === 0;
    return { chunkIndex, chunk, index, isThere };
  }

  return {
    get size() {
      return size;
    },
    put(value) {
      const { chunkIndex, chunk, index, isThere } = placeOf(value);
      if (isThere) return chunk.splice(index, 1, value)[0];
      size++;
      chunk.splice(index, 0, value);
      if (chunks.length === 0) chunks.push(chunk);
      if (chunk.length <= maxChunk) return undefined;
      // Values that come in order fill a chunk before the next begins; others share it evenly.
      const cut = index === maxChunk ? maxChunk : maxChunk / 2;
      chunks.splice(chunkIndex + 1, 0, chunk.splice(cut));
      return undefined;
    },
    delete(value) {
      const { chunkIndex, chunk, index, isThere } = placeOf(value);
      if (!isThere) return undefined;
      size--;
      const [deleted] = chunk.splice(index, 1);
      if (chunk.length === 0) chunks.splice(chunkIndex, 1);
      return deleted;
    },
    first: () => chunks[0]?.[0],
    toArray: () => ([] as T[]).concat(...chunks),
  };
}

/** The first index for which `isAtOrAfter` holds, which holds for all that follow; `length` where it holds for none. */
function firstIndex(length: number, isAtOrAfter: (index: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAtOrAfter(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}
