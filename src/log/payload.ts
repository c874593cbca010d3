import type { Payload } from "./sink.ts";

// eslint-disable-next-line no-control-regex
const nonAscii = /[^\u0000-\u007f]/;

/** The UTF-8 bytes of a text as a string of one character a byte: such strings are joined and written without being copied. */
export function utf8Bytes(text: string): string {
  return nonAscii.test(text) ? Buffer.from(text).toString("latin1") : text;
}

/** The bytes are made when first asked for: event streams have no use for them. */
export function payloadOf(json: string): Payload {
  let bytes: string | undefined;
  return {
    json,
    get bytes() {
      return (bytes ??= utf8Bytes(json));
    },
  };
}
