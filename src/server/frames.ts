import type { Payload } from "../log/sink.ts";

/**
 * A server's text frame (RFC 6455, 5.2): final, unmasked, uncompressed. `bytes` holds UTF-8 bytes as a string of one
 * character a byte, and so does the result: strings of that kind are joined and written without being copied.
 */
export function textFrame(bytes: string): string {
  return frameHead(bytes.length) + bytes;
}

const tail = "}";
const separators = new WeakMap<readonly Payload[], Map<number, string[]>>();

/**
 * Frames of several responses for one subscription: `head` (the same length for most subscriptions) begins each message, a
 * brace ends it. What stands between the heads is made once for all who get these responses, so a reader costs one join.
 */
export function framesWith(head: string, payloads: readonly Payload[]): string {
  let byLength = separators.get(payloads);
  if (!byLength) separators.set(payloads, (byLength = new Map()));
  let between = byLength.get(head.length);
  if (!between) byLength.set(head.length, (between = separatorsOf(head.length, payloads)));
  return between.join(head);
}

function separatorsOf(headLength: number, payloads: readonly Payload[]): string[] {
  const between: string[] = [];
  let end = "";
  for (const { bytes } of payloads) {
    between.push(end + frameHead(headLength + bytes.length + tail.length));
    end = bytes + tail;
  }
  return [...between, end];
}

function frameHead(length: number): string {
  if (length < 126) return String.fromCharCode(0x81, length);
  if (length < 65_536) return String.fromCharCode(0x81, 126, length >> 8, length & 0xff);
  // No frame of ours comes near 4 GiB.
  return String.fromCharCode(
    0x81,
    127,
    0,
    0,
    0,
    0,
    length >>> 24,
    (length >>> 16) & 0xff,
    (length >>> 8) & 0xff,
    length & 0xff,
  );
}
