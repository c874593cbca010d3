import { checkClient } from "./check-client.ts";
import { checkSends } from "./check-sends.ts";
import type { ClientRecord, StoredFacts } from "./record.ts";

/**
 * `lost`: acknowledged and not in the database, or not told to a member, or refused without a reason. `doubled`, `out of
 * order`: in one subscription, to one app, or in the database. `leaked`: came to one who must not have it. `altered`: says
 * something else than the database.
 */
export type FindingKind = "lost" | "doubled" | "out of order" | "leaked" | "altered";

export interface Finding {
  kind: FindingKind;
  userId: string;
  what: string;
}

export interface Verdict {
  acknowledged: number;
  findings: Finding[];
}

/** Compares what clients wrote down with what the database says when nothing is under way any longer. Says nothing wrong of clean records. */
export function check(records: readonly ClientRecord[], facts: StoredFacts): Verdict {
  const findings = records.flatMap((record) => checkClient(record, facts));
  return {
    acknowledged: records.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0),
    findings: [...checkSends(records, facts), ...findings],
  };
}
