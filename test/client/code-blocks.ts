import { readFile } from "node:fs/promises";

export interface CodeBlock {
  language: string;
  code: string;
  /** The file that it shows, where it says so in a comment above. */
  file: string | undefined;
}

const fenced = /(?:^<!-- (\S+) -->\n)?^```(\w+)\n(.*?)^```$/gms;

/** What a page of documentation shows of code. */
export async function readCodeBlocks(page: string): Promise<CodeBlock[]> {
  const text = await readFile(new URL(`../../${page}`, import.meta.url), "utf8");
  return Array.from(text.matchAll(fenced), ([, file, language, code]) => ({ language: language!, code: code!, file }));
}
