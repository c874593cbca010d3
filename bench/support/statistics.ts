/** Throws on an empty list: there is no figure to report. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** By linear interpolation between the two nearest. `of` is from 0 to 100. */
export function percentile(values: readonly number[] | Float64Array, of: number): number {
  if (values.length === 0) throw new Error("No values.");
  const sorted = Float64Array.from(values).sort();
  const place = ((sorted.length - 1) * of) / 100;
  const below = sorted[Math.floor(place)]!;
  const above = sorted[Math.ceil(place)]!;
  return below + (above - below) * (place - Math.floor(place));
}
