import type { Database } from "../database/pool.ts";
import type { Seen } from "../live/presence-board.ts";
import type { Profile } from "./presence-state.ts";
import { noProfile } from "./presence-state.ts";

const PROFILE_COLUMNS = `p.revision, p.custom_status, p.do_not_disturb_until, p.last_seen_at`;

const READ_PROFILES = `select p.user_id, ${PROFILE_COLUMNS} from presence p where p.user_id = any ($1::text[])`;

// What is left out ($3, $5) stays. What changes nothing is not written and takes no revision.
const SAVE_PROFILE = `
insert into presence as p (user_id, custom_status, do_not_disturb_until, revision)
select $1, c.custom_status, c.do_not_disturb_until, 1
from (select $2::text as custom_status, to_timestamp($4::bigint / 1000.0) as do_not_disturb_until) c
where c.custom_status is not null or c.do_not_disturb_until is not null
  or exists (select from presence where user_id = $1)
on conflict (user_id) do update set
  custom_status = case when $3 then excluded.custom_status else p.custom_status end,
  do_not_disturb_until = case when $5 then excluded.do_not_disturb_until else p.do_not_disturb_until end,
  revision = p.revision + 1
where ($3 and p.custom_status is distinct from excluded.custom_status)
  or ($5 and p.do_not_disturb_until is distinct from excluded.do_not_disturb_until)
returning ${PROFILE_COLUMNS}`;

// In the order of the ids, so that two nodes never wait for each other. A clock that runs ahead puts nobody into the future.
const SAVE_SEEN = `
insert into presence as p (user_id, last_seen_at)
select u.id, least(to_timestamp(s.at_ms / 1000.0), now())
from unnest($1::text[], $2::bigint[]) as s (user_id, at_ms) join users u on u.id = s.user_id
order by u.id
on conflict (user_id) do update set last_seen_at = excluded.last_seen_at
where p.last_seen_at is null or p.last_seen_at < excluded.last_seen_at`;

const SHARE_A_ROOM = (viewerId: string, userId: string) => `exists (
  select from members o join members v on v.room_id = o.room_id and v.user_id = ${viewerId} and v.left_revision is null
  where o.user_id = ${userId} and o.left_revision is null)`;

const READ_FOR_VIEWERS = `
select asked.ord, ${PROFILE_COLUMNS}
from unnest($1::text[], $2::text[]) with ordinality as asked (viewer_id, user_id, ord)
left join presence p on p.user_id = asked.user_id
where asked.viewer_id = asked.user_id or ${SHARE_A_ROOM("asked.viewer_id", "asked.user_id")}`;

const READ_SHARING = `
select asked.ord from unnest($1::text[], $2::text[]) with ordinality as asked (viewer_id, user_id, ord)
where asked.viewer_id = asked.user_id or ${SHARE_A_ROOM("asked.viewer_id", "asked.user_id")}`;

const READ_ROSTER = `
select r.revision, array(
  select m.user_id from members m where m.room_id = r.id and m.left_revision is null order by m.joined_revision limit $2
) as user_ids
from rooms r where r.id = $1`;

const READ_ROOMS = `
select u.revision, array(select m.room_id from members m where m.user_id = u.id and m.left_revision is null) as room_ids
from users u where u.id = $1`;

const READ_REVISION = `select u.revision from users u where u.id = $1`;

const READ_RECENT = `
select c.user_id, ${PROFILE_COLUMNS}
from (
  select distinct o.user_id from members v
  join members o on o.room_id = v.room_id and o.left_revision is null
  where v.user_id = $1 and v.left_revision is null and o.user_id <> $1
) c
left join presence p on p.user_id = c.user_id
order by p.last_seen_at desc nulls last, c.user_id
limit $2`;

type ProfileColumns = {
  revision: number | null;
  custom_status: string | null;
  do_not_disturb_until: number | null;
  last_seen_at: number | null;
};

export type Sight = { viewerId: string; userId: string };
export const sightKey = ({ viewerId, userId }: Sight) => JSON.stringify([viewerId, userId]);
/** What is undefined stays. */
export type ProfileChange = { customStatus?: string | null; doNotDisturbUntilMs?: number | null };
export type PresenceStore = ReturnType<typeof createPresenceStore>;

export function createPresenceStore(database: Database) {
  /** One for each of the users. */
  async function readProfiles(userIds: readonly string[]): Promise<Map<string, Profile>> {
    const { rows } = await database.query<ProfileColumns & { user_id: string }>({
      name: "read-presence-profiles",
      text: READ_PROFILES,
      values: [userIds],
    });
    const profiles = new Map(userIds.map((userId) => [userId, noProfile]));
    for (const row of rows) profiles.set(row.user_id, profileOf(row));
    return profiles;
  }

  /** The profile after the change. */
  async function saveProfile(userId: string, change: ProfileChange): Promise<Profile> {
    const { customStatus, doNotDisturbUntilMs } = change;
    const values = [
      userId,
      customStatus ?? null,
      customStatus !== undefined,
      doNotDisturbUntilMs ?? null,
      doNotDisturbUntilMs !== undefined,
    ];
    const { rows } = await database.query<ProfileColumns>({
      name: "save-presence-profile",
      text: SAVE_PROFILE,
      values,
    });
    return rows[0] ? profileOf(rows[0]) : (await readProfiles([userId])).get(userId)!;
  }

  /** One statement. A later time that is there already stays. Users that do not exist are passed over. */
  async function saveSeen(seen: readonly Seen[]): Promise<void> {
    const values = [seen.map(({ userId }) => userId), seen.map(({ atMs }) => Math.floor(atMs))];
    await database.query({ name: "save-last-seen", text: SAVE_SEEN, values });
  }

  /** The profiles of those whom their viewer may see: oneself, and whoever shares a room. By `sightKey`. */
  async function readForViewers(sights: readonly Sight[]): Promise<Map<string, Profile>> {
    const { rows } = await database.query<ProfileColumns & { ord: number }>({
      name: "read-presence-for-viewers",
      text: READ_FOR_VIEWERS,
      values: columnsOf(sights),
    });
    return new Map(rows.map((row) => [sightKey(sights[row.ord - 1]!), profileOf(row)]));
  }

  /** Those of the sights that are allowed. */
  async function readSharing(sights: readonly Sight[]): Promise<Sight[]> {
    const { rows } = await database.query<{ ord: number }>({
      name: "read-sharing",
      text: READ_SHARING,
      values: columnsOf(sights),
    });
    return rows.map(({ ord }) => sights[ord - 1]!);
  }

  /** A room's members, at most `limit` (null: all), as of its revision. Null where there is no such room. */
  async function readRoster(
    roomId: string,
    limit: number | null,
  ): Promise<{ revision: number; userIds: string[] } | null> {
    const { rows } = await database.query<{ revision: number; user_ids: string[] }>({
      name: "read-presence-roster",
      text: READ_ROSTER,
      values: [roomId, limit],
    });
    return rows[0] ? { revision: rows[0].revision, userIds: rows[0].user_ids } : null;
  }

  /** The rooms that the user is in, as of the user's revision. */
  async function readRoomIds(userId: string): Promise<{ revision: number; roomIds: string[] }> {
    const { rows } = await database.query<{ revision: number; room_ids: string[] }>({
      name: "read-room-ids",
      text: READ_ROOMS,
      values: [userId],
    });
    return { revision: rows[0]?.revision ?? 0, roomIds: rows[0]?.room_ids ?? [] };
  }

  /** Raised with each change of the user's memberships. */
  async function readRevision(userId: string): Promise<number> {
    const { rows } = await database.query<{ revision: number }>({
      name: "read-user-revision",
      text: READ_REVISION,
      values: [userId],
    });
    return rows[0]?.revision ?? 0;
  }

  /** Users who share a room with the viewer, those seen last first. */
  async function readRecent(viewerId: string, limit: number): Promise<{ userId: string; profile: Profile }[]> {
    const { rows } = await database.query<ProfileColumns & { user_id: string }>({
      name: "read-recently-seen",
      text: READ_RECENT,
      values: [viewerId, limit],
    });
    return rows.map((row) => ({ userId: row.user_id, profile: profileOf(row) }));
  }

  return {
    readProfiles,
    saveProfile,
    saveSeen,
    readForViewers,
    readSharing,
    readRoster,
    readRoomIds,
    readRevision,
    readRecent,
  };
}

const columnsOf = (sights: readonly Sight[]) => [
  sights.map(({ viewerId }) => viewerId),
  sights.map(({ userId }) => userId),
];

function profileOf(row: ProfileColumns): Profile {
  return {
    revision: row.revision ?? 0,
    customStatus: row.custom_status,
    doNotDisturbUntilMs: row.do_not_disturb_until,
    lastSeenMs: row.last_seen_at,
  };
}
