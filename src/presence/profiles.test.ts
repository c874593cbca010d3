import { expect, test } from "vitest";
import { ManualClock } from "../../test/contract/presence-board-clocks.ts";
import { noProfile, type Profile } from "./presence-state.ts";
import { Profiles } from "./profiles.ts";

const compareEveryMs = 30_000;

const profile = (revision: number, customStatus: string): Profile => ({ ...noProfile, revision, customStatus });
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** What is read of the one user comes when the test gives it: `asked` are the readings that wait. */
function open() {
  const clock = new ManualClock();
  const asked: ((profile: Profile) => void)[] = [];
  const readProfiles = () =>
    new Promise<Map<string, Profile>>((resolve) => asked.push((read) => resolve(new Map([["alice", read]]))));
  const onFault = (fault: unknown) => {
    throw fault;
  };
  const profiles = new Profiles({ store: { readProfiles }, clock, onFault, compareEveryMs });
  const told: (string | null)[] = [];
  const hold = () => profiles.hold(["alice"], () => void told.push(profiles.get("alice").customStatus));
  return { clock, told, asked, hold };
}

test("of two readings at the same time the one of the greater revision is kept, whichever comes first", async () => {
  const { told, asked, hold } = open();
  const held = [hold(), hold()];
  asked[1]!(profile(3, "three"));
  await held[1];
  asked[0]!(profile(2, "two"));
  await held[0];
  expect(told).toEqual(["three", "three"]);
});

test("a lesser revision that is read after a greater one is how the database is now", async () => {
  const { clock, told, asked, hold } = open();
  const held = hold();
  asked[0]!(profile(3, "lost"));
  await held;
  clock.advance(compareEveryMs);
  await turn();
  asked[1]!(profile(1, "present"));
  await turn();
  expect(told).toEqual(["lost", "present"]);
});
