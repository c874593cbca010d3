import { until } from "../support/until.ts";
import { newestOf, type Stay } from "./record.ts";
import type { Recording } from "./recording.ts";
import { readHeads } from "./stored-facts.ts";

/** A client that is told what happens in its user's rooms. */
export interface Follower {
  readonly recording: Recording;
  readonly isLive: boolean;
}

/** Waits until all are live and were told everything that the database has now. */
export async function untilCaughtUp(
  followers: readonly Follower[],
  databaseUrl: string,
  withinMs: number,
): Promise<void> {
  const { heads, stays } = await readHeads(databaseUrl);
  const newest = newestOf(heads);
  const lastStays = Map.groupBy(stays, ({ userId }) => userId);
  const isBehind = ({ recording, isLive }: Follower) =>
    !isLive || latestOf(lastStays.get(recording.userId) ?? []).some((stay) => isMissing(stay, recording, newest));
  let behind: Follower[] = [];
  try {
    await until(
      "all have caught up",
      () => {
        behind = followers.filter(isBehind);
        return behind.length === 0;
      },
      withinMs,
    );
  } catch (error) {
    const words = behind.map(({ recording, isLive }) => `${recording.userId} ${isLive ? "live" : "not live"}`);
    throw new Error(`Behind: ${words.slice(0, 10).join(", ")}`, { cause: error });
  }
}

/** Of each room. They come in order. */
const latestOf = (stays: readonly Stay[]) => [...new Map(stays.map((stay) => [stay.roomId, stay])).values()];

function isMissing({ roomId, left, joined }: Stay, recording: Recording, newest: ReadonlyMap<string, string>): boolean {
  const told = recording.newest.get(roomId) ?? "";
  if (left === null) return told < newest.get(roomId)!;
  // One who came and went while the client was away may never hear of it.
  return told >= joined && told < left;
}
