import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomOf, seedOf } from "../support/app.ts";
import { check } from "./checker.ts";
import { cleanRecords, type CleanRecords } from "./clean-records.ts";
import { corruptions, type Corruption } from "./corruptions.ts";
import { Recording } from "./recording.ts";

const seed = seedOf("checker");

/** The findings after one thing went wrong, and about whom they are; undefined where there was nothing that could. */
function findingsOf(world: CleanRecords, corruption: Corruption, chance: number) {
  const random = randomOf(chance);
  const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)];
  const copy = structuredClone({ records: world.records, messages: world.messages, stays: world.stays });
  const userId = corruption.apply(copy, pick);
  return userId === undefined ? undefined : { userId, findings: check(copy.records, copy).findings };
}

test("clean records are never accused, whatever happened", () => {
  let acknowledged = 0;
  fc.assert(
    fc.property(fc.nat(), (world) => {
      const clean = cleanRecords(world);
      const verdict = check(clean.records, clean);
      expect(verdict.findings).toEqual([]);
      acknowledged += verdict.acknowledged;
    }),
    { seed, numRuns: 300 },
  );
  expect(acknowledged).toBeGreaterThan(1_000);
});

describe.each(corruptions)("the checker says of $name", (corruption) => {
  test(`that it is ${corruption.kind}, and whom it befell`, () => {
    const { userId, findings } = findingsOf(cleanRecords(1), corruption, 1)!;
    expect(findings).toContainEqual(expect.objectContaining({ kind: corruption.kind, userId }));
  });

  test("so wherever it happens", () => {
    let found = 0;
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (world, chance) => {
        const result = findingsOf(cleanRecords(world), corruption, chance);
        fc.pre(result !== undefined);
        const { userId, findings } = result;
        expect(findings).toContainEqual(expect.objectContaining({ kind: corruption.kind, userId }));
        found += 1;
      }),
      { seed, numRuns: 60 },
    );
    expect(found).toBe(60);
  });
});

test("an answer that could not be made whole is neither an acknowledgement nor a refusal", () => {
  const recording = new Recording("ann", ["r"]);
  const input = { roomId: "r", clientMessageId: "c" };
  const ask = { type: "subscribe", id: "1", payload: { query: "mutation { sendMessage( }", variables: { input } } };
  const data = { sendMessage: { message: null, userErrors: [] } };
  const answer = (payload: object) => recording.received(1, JSON.stringify({ type: "next", id: "1", payload }));
  recording.sent(1, JSON.stringify(ask));
  answer({ data, errors: [{ message: "Something went wrong on the server." }] });
  expect(recording.isSettled("c")).toBe(false);
  expect(recording.record.refused).toEqual([]);
});
