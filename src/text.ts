import { invalid } from "./errors.ts";

/** A text that a person or program gave: of this many characters (Unicode code points), fit to be stored. @throws Refusal INVALID */
export function checkText(text: string, { name, min = 1, max }: { name: string; min?: number; max: number }): string {
  if (!text.isWellFormed()) throw invalid(`\`${name}\` has half a surrogate pair.`, [name]);
  if (text.includes("\0")) throw invalid(`\`${name}\` has a NUL character.`, [name]);
  // Code units are at least as many as code points: only near the limit is it worth counting.
  const tooLong = text.length > max && (text.length > 2 * max || Array.from(text).length > max);
  if (text.length < min || tooLong)
    throw invalid(`\`${name}\` is ${min} to ${max.toLocaleString("en")} characters.`, [name]);
  return text;
}
