/** By their code units, as cursors and clock readings are ordered. */
export function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}
