/** Fills a message so that a frame of the usual selection has about 300 bytes. */
const filling = "and how are you?";

/** The text of the bench's message of that number. */
export function contentOf(sequence: number): string {
  return `bench-${sequence} ${filling}`;
}

/** The numbers of the bench's messages that occur in a text, in their order. */
export function sequencesIn(text: string): number[] {
  return Array.from(text.matchAll(/bench-(\d+) /g), (match) => Number(match[1]));
}
