/** As many as one statement looks at in well under a second. */
const positionsAtOnce = 20_000;

/** All positions of a room up to a revision, in stretches. */
export function* windowsOf(revision: number): Generator<{ after: number; through: number }> {
  for (let after = 0; after < revision; after += positionsAtOnce)
    yield { after, through: Math.min(after + positionsAtOnce, revision) };
}

/** All rooms of a user, page by page. */
export const noRoomId = "00000000-0000-0000-0000-000000000000";
