import { expect, test } from "vitest";
import type { Connection } from "./connection.ts";
import type { SetPresenceInput, SetPresenceMutation } from "./generated/operations.ts";
import { createOwnPresence } from "./own-presence.ts";
import type { Requests } from "./requests.ts";

/** A server with the rooms in which the user is. */
function openPresence(rooms: string[]) {
  const told: SetPresenceInput[] = [];
  const faults: unknown[] = [];
  async function answer(_document: unknown, variables: unknown): Promise<SetPresenceMutation> {
    const { input } = variables as { input: SetPresenceInput };
    const isThere = input.currentRoomId == null || rooms.includes(input.currentRoomId);
    if (isThere) told.push(input);
    const refusal = { __typename: "FieldError", code: "NOT_FOUND", message: "No room.", path: ["currentRoomId"] };
    return {
      setPresence: { presence: isThere ? { id: "me" } : null, userErrors: isThere ? [] : [refusal] },
    } as unknown as SetPresenceMutation;
  }
  const requests = { ask: answer } as unknown as Requests;
  const connection = { isOpen: true, execute: answer } as unknown as Connection;
  const presence = createOwnPresence({ requests, onFault: (error) => faults.push(error) });
  return { presence, connection, told, faults };
}

test("a room that the user is no longer in keeps no status from being told", async () => {
  const rooms = ["r"];
  const { presence, connection, told, faults } = openPresence(rooms);
  await presence.set({ status: "BUSY", currentRoomId: "r" });
  rooms.length = 0;
  expect(await presence.set({ status: "AWAY", customStatus: "out" })).toMatchObject({ ok: true });
  expect(told.at(-1)).toEqual({ status: "AWAY", customStatus: "out", currentRoomId: null });
  await presence.set({ status: "BUSY" });
  expect(told.at(-1)).toEqual({ status: "BUSY", currentRoomId: null });
  presence.begin();
  await presence.renew(connection);
  expect(faults).toEqual([]);
});

test("a new connection is told the status though the room is gone meanwhile", async () => {
  const rooms = ["r"];
  const { presence, connection, told, faults } = openPresence(rooms);
  presence.begin();
  await presence.set({ status: "BUSY", currentRoomId: "r" });
  rooms.length = 0;
  await presence.renew(connection);
  expect(told.at(-1)).toEqual({ status: "BUSY", currentRoomId: null });
  expect(faults).toEqual([]);
});

test("a room that is given and is none is refused, and stands in the way of nothing that follows", async () => {
  const { presence, told } = openPresence([]);
  expect(await presence.set({ status: "BUSY", currentRoomId: "x" })).toMatchObject({ ok: false, code: "NOT_FOUND" });
  expect(told).toEqual([]);
  expect(await presence.set({ customStatus: "here" })).toMatchObject({ ok: true });
});

test("what a new connection refuses is reported", async () => {
  const { presence, faults } = openPresence([]);
  const refusal = { __typename: "FieldError", code: "FORBIDDEN", message: "Not now.", path: null };
  const connection = {
    isOpen: true,
    execute: async () => ({ setPresence: { presence: null, userErrors: [refusal] } }),
  } as unknown as Connection;
  presence.begin();
  await presence.set({ status: "AWAY" });
  await presence.renew(connection);
  expect(faults.map(String)).toEqual(["Error: The presence was not told: Not now."]);
});
