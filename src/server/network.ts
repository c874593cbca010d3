import { isIPv6 } from "node:net";

/** Whoever has one IPv6 address usually has all that begin with the same 64 bits. */
const prefixGroups = 4;
const groups = 8;

/** Whom an address stands for, as a key: the address itself, or the /64 of an IPv6 address. */
export function networkOf(address: string | undefined): string {
  const text = (address ?? "").replace(/^::ffff:(?=[\d.]+$)/i, "").replace(/%.*$/, "");
  if (!isIPv6(text)) return text;
  const [before = "", after] = text.toLowerCase().split("::", 2);
  const begin = before === "" ? [] : before.split(":");
  const end = after ? after.split(":") : [];
  const between = after === undefined ? 0 : groups - begin.length - end.length;
  const all = [...begin, ...Array.from({ length: between }, () => "0"), ...end];
  return `${all
    .slice(0, prefixGroups)
    .map((group) => group.replace(/^0+(?=.)/, ""))
    .join(":")}::/64`;
}
