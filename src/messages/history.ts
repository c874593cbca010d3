import type { Database } from "../database/pool.ts";
import type { Replicas } from "../database/replicas.ts";
import type { MessageRow } from "../log/changes.ts";
import type { MessageJson } from "../log/rows.ts";
import { messageRow } from "../log/rows.ts";
import { pageKey, type PageKey, type ReadPages, type Stretch } from "./messages.store.ts";

/** Where a page of history came from. `behind`: the replica did not have all of the room; `down`: none answered. */
export type HistorySource = "replica" | "behind" | "down";

const READ_STANDING = `
select asked.ord, r.revision
from unnest($1::uuid[], $2::text[]) with ordinality as asked (room_id, viewer_id, ord)
join rooms r on r.id = asked.room_id
join members viewer on viewer.room_id = r.id and viewer.user_id = asked.viewer_id and viewer.left_revision is null`;

// One snapshot: the page is of the room at this revision. Who left by then is not in it, and is the primary's to judge.
const readReplica = (order: "asc" | "desc") => `
select asked.ord, r.revision, p.row
from unnest($1::uuid[], $2::text[]) with ordinality as asked (room_id, viewer_id, ord)
join rooms r on r.id = asked.room_id
join members viewer on viewer.room_id = r.id and viewer.user_id = asked.viewer_id and viewer.left_revision is null
left join lateral (
  select message_json(m) as row, m.position from messages m
  where m.room_id = asked.room_id and m.position > $3 and m.position < $4
  order by m.position ${order} limit $5
) p on true
order by asked.ord, p.position`;

const READ_FIRST = readReplica("asc");
const READ_LAST = readReplica("desc");

/**
 * Pages that end before a place, which no longer grow, from a replica. The primary says who is a member, and how far the room
 * is; a replica that has at least that serves. Everything else is left to `readPrimary`, and told of.
 */
export function createHistory(use: {
  primary: Pick<Database, "query">;
  replicas: Pick<Replicas, "query">;
  readPrimary: ReadPages;
  onPage: (source: HistorySource, count: number) => void;
}): ReadPages {
  const { primary, replicas, readPrimary, onPage } = use;

  return async function read(keys, stretch) {
    const standing = await readStanding(keys);
    const members = keys.filter((key) => standing.has(pageKey(key)));
    const pages = new Map<string, MessageRow[]>(keys.map((key) => [pageKey(key), []]));
    if (members.length === 0) return pages;
    const served = await readReplicas(members, stretch, standing);
    for (const [key, page] of served ?? []) pages.set(key, page);
    const rest = members.filter((key) => !served?.has(pageKey(key)));
    if (rest.length < members.length) onPage("replica", members.length - rest.length);
    if (rest.length === 0) return pages;
    onPage(served ? "behind" : "down", rest.length);
    for (const [key, page] of await readPrimary(rest, stretch)) pages.set(key, page);
    return pages;
  };

  /** The revision of each room that its viewer is in. */
  async function readStanding(keys: readonly PageKey[]): Promise<Map<string, number>> {
    const values = [keys.map(({ roomId }) => roomId), keys.map(({ viewerId }) => viewerId)];
    const { rows } = await primary.query<{ ord: number; revision: number }>({
      name: "read-standing",
      text: READ_STANDING,
      values,
    });
    return new Map(rows.map(({ ord, revision }) => [pageKey(keys[ord - 1]!), revision]));
  }

  /** Without the pages of rooms of which the replica has too little; null where no replica answers. */
  async function readReplicas(keys: readonly PageKey[], stretch: Stretch, needed: ReadonlyMap<string, number>) {
    const { after, before, from, limit } = stretch;
    const values = [keys.map(({ roomId }) => roomId), keys.map(({ viewerId }) => viewerId), after, before, limit];
    const rows = await replicas.query<{ ord: number; revision: number; row: MessageJson | null }>({
      name: `read-${from}-history`,
      text: from === "first" ? READ_FIRST : READ_LAST,
      values,
    });
    if (!rows) return null;
    const pages = new Map<string, MessageRow[]>();
    for (const { ord, revision, row } of rows) {
      const key = pageKey(keys[ord - 1]!);
      if (revision < needed.get(key)!) continue;
      const page = pages.get(key) ?? [];
      if (row) page.push(messageRow(row));
      pages.set(key, page);
    }
    return pages;
  }
}
