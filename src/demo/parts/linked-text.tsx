/** A text as text, with its web addresses as links; nothing else in it is interpreted. */
export function LinkedText({ text }: { text: string }) {
  return partsOf(text).map(({ at, part, href }) =>
    href === undefined ? (
      part
    ) : (
      <a key={at} href={href} target="_blank" rel="noopener noreferrer nofollow">
        {part}
      </a>
    ),
  );
}

type Part = { at: number; part: string; href?: string };

const address = /\bhttps?:\/\/[^\s<>"]+/gi;
/** What ends a sentence, not an address. */
const trailing = /[.,;:!?'"»”’*_~]+$/;

/** Exported for its tests. */
function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const match of text.matchAll(address)) {
    const found = withoutTrailing(match[0]);
    const href = URL.parse(found)?.href;
    if (href === undefined) continue;
    if (match.index > from) parts.push({ at: from, part: text.slice(from, match.index) });
    parts.push({ at: match.index, part: found, href });
    from = match.index + found.length;
  }
  if (from < text.length) parts.push({ at: from, part: text.slice(from) });
  return parts;
}

/** A closing bracket belongs to the address only where it was opened in it. */
function withoutTrailing(found: string): string {
  const cut = found.replace(trailing, "");
  if (!cut.endsWith(")") || count(cut, "(") >= count(cut, ")")) return cut;
  return withoutTrailing(cut.slice(0, -1));
}

const count = (text: string, character: string) => text.split(character).length - 1;
