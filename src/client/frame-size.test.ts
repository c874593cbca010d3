import { expect, test } from "vitest";
import { InboxDocument, SyncDocument } from "./generated/operations.ts";
import { createUuid } from "./uuid.ts";

/** What servers and proxies take, Causerie's own included. */
const maxFrameBytes = 64 * 1024;
/** `MAX_ROOMS_PER_USER` unless set. */
const maxRooms = 1_000;

test.each([
  ["inbox", InboxDocument],
  ["sync", SyncDocument],
])("the cursors of a user of a thousand rooms fit into one frame of `%s`", (_field, document) => {
  const after = Array.from({ length: maxRooms }, () => `${createUuid()}.0000000000000001`);
  const payload = { query: document.toString(), variables: { after, first: 100 } };
  const frame = JSON.stringify({ id: createUuid(), type: "subscribe", payload });
  expect(new TextEncoder().encode(frame).length).toBeLessThan(maxFrameBytes);
});
