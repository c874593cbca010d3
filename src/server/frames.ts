/**
 * A server's text frame (RFC 6455, 5.2): final, unmasked, uncompressed. `bytes` holds UTF-8 bytes as a string of one
 * character a byte, and so does the result: strings of that kind are joined and written without being copied.
 */
export function textFrame(bytes: string): string {
  return frameHead(bytes.length) + bytes;
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
