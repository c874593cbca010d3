import type { Payload } from "./sink.ts";

// eslint-disable-next-line no-control-regex
const nonAscii = /[^\u0000-\u007f]/;

/** The bytes are made when first asked for: event streams have no use for them. */
export function payloadOf(json: string): Payload {
  let bytes: string | undefined;
  return {
    json,
    get bytes() {
      return (bytes ??= nonAscii.test(json) ? Buffer.from(json).toString("latin1") : json);
    },
  };
}
