-- Users. A profile is what the user's last token said.
create table users (
  id text primary key,
  name text not null,
  avatar_url text,
  -- Raised in the same transaction as any change of the user's memberships.
  revision bigint not null default 0,
  created_at timestamptz(3) not null default now()
);
create index users_by_name on users (lower(name) text_pattern_ops, id);

-- Rooms. Every durable change runs under this row's lock and takes the next revision.
create table rooms (
  id uuid primary key,
  kind text not null check (kind in ('DIRECT', 'GROUP')),
  name text,
  created_at timestamptz(3) not null,
  revision bigint not null,
  -- The last revision of each kind of event, for previousCursor.
  message_revision bigint not null default 0,
  receipt_revision bigint not null default 0,
  member_revision bigint not null default 0,
  room_revision bigint not null default 0,
  -- 48 bits of milliseconds, 16 of counter.
  hlc bigint not null default 0,
  member_count integer not null default 0,
  -- What `rooms` is ordered by.
  active_at timestamptz(3) not null
) with (fillfactor = 50);

-- Memberships are never deleted: they hold their join and leave revisions.
create table members (
  room_id uuid not null references rooms,
  user_id text not null references users,
  role text not null check (role in ('OWNER', 'ADMIN', 'MEMBER')),
  revision bigint not null,
  joined_revision bigint not null,
  joined_at timestamptz(3) not null,
  left_revision bigint,
  left_at timestamptz(3),
  primary key (room_id, user_id)
);
create index members_by_user on members (user_id, room_id);
create index members_by_join on members (room_id, joined_revision);
create index members_by_change on members (room_id, revision);

create table messages (
  room_id uuid not null,
  position bigint not null,
  -- Derived from room, sender and client_message_id.
  id uuid not null,
  revision bigint not null,
  sender_id text not null,
  client_message_id text not null,
  -- Of the content and reply as first sent: what a repeated send is compared with.
  digest bytea not null,
  content text,
  hlc bigint not null,
  hlc_node text not null,
  sent_at timestamptz(3) not null,
  edited_at timestamptz(3),
  deleted_at timestamptz(3),
  reply_to_id uuid,
  primary key (room_id, position)
);
create unique index messages_by_id on messages (room_id, id);
create index messages_by_change on messages (room_id, revision) where revision > position;

-- What a reader has read: others' messages with a position in a range, both ends included.
create table read_ranges (
  room_id uuid not null,
  reader_id text not null,
  from_position bigint not null,
  through_position bigint not null,
  read_at timestamptz(3) not null,
  revision bigint not null,
  primary key (room_id, reader_id, from_position)
);
create index read_ranges_by_change on read_ranges (room_id, revision);

-- A reading of the clock as the API shows it: 12 hex digits of milliseconds, 4 of counter, the node's name.
create function hlc_text(hlc bigint, node text) returns text language sql immutable as $$
  select substr(lpad(to_hex(hlc), 16, '0'), 1, 12) || '-' || substr(lpad(to_hex(hlc), 16, '0'), 13) || '-' || node
$$;

-- A message as it travels between nodes.
create function message_json(m messages) returns jsonb language sql immutable as $$
  select to_jsonb(m) - 'digest' - 'hlc_node' || jsonb_build_object('hlc', hlc_text(m.hlc, m.hlc_node))
$$;

-- Sends many messages, of any rooms, in the order of the arrays; one outcome for each:
-- SENT, REPEATED (the message as it is now), CONFLICT, NO_ROOM (also: not a member), NO_REPLY.
-- One id must not come twice in a call.
--
-- The rooms are locked first, in the order of their ids so that two calls never wait for each other, and what follows
-- is a statement of its own: its snapshot is taken after the wait for the lock, so that it sees a removal that the
-- lock's last holder committed.
create function send_messages(
  p_node text, p_hlc bigint, p_rooms uuid[], p_ids uuid[], p_senders text[], p_client_ids text[],
  p_digests bytea[], p_contents text[], p_replies uuid[]
) returns table (
  ord integer, outcome text, new_position bigint, new_hlc text, sent_at timestamptz, present jsonb, reply jsonb
)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_now timestamptz;
  v_hlc bigint;
begin
  perform 1 from rooms where id = any (p_rooms) order by id for no key update;
  v_now := date_trunc('milliseconds', clock_timestamp());
  -- A node whose clock runs ahead cannot drag the room with it by more than a minute.
  v_hlc := least(p_hlc, ((extract(epoch from v_now) * 1000)::bigint + 60000) << 16);
  return query
  with input as materialized (
    select * from unnest(p_rooms, p_ids, p_senders, p_client_ids, p_digests, p_contents, p_replies) with ordinality
      as t (room_id, id, sender_id, client_message_id, digest, content, reply_to_id, ord)
  ),
  judged as materialized (
    select i.*,
      case
        when m.user_id is null or m.left_revision is not null then 'NO_ROOM'
        when e.id is not null and e.digest = i.digest then 'REPEATED'
        when e.id is not null then 'CONFLICT'
        when i.reply_to_id is not null and t.id is null then 'NO_REPLY'
        else 'SENT'
      end as outcome,
      e, t
    from input i
    left join members m on m.room_id = i.room_id and m.user_id = i.sender_id
    left join messages e on e.room_id = i.room_id and e.id = i.id
    left join messages t on t.room_id = i.room_id and t.id = i.reply_to_id
  ),
  numbered as materialized (
    select j.*, r.revision + row_number() over w as new_position, greatest(v_hlc, r.hlc + 1) + row_number() over w - 1 as new_hlc
    from judged j join rooms r on r.id = j.room_id
    where j.outcome = 'SENT'
    window w as (partition by j.room_id order by j.ord)
  ),
  inserted as (
    insert into messages (room_id, position, id, revision, sender_id, client_message_id, digest, content, hlc, hlc_node, sent_at, reply_to_id)
    select room_id, new_position, id, new_position, sender_id, client_message_id, digest, content, new_hlc, p_node, v_now, reply_to_id
    from numbered
  ),
  moved as (
    update rooms set revision = n.new_position, message_revision = n.new_position, hlc = n.new_hlc, active_at = v_now
    from (select room_id, max(new_position) as new_position, max(new_hlc) as new_hlc from numbered group by room_id) n
    where rooms.id = n.room_id
  )
  select n.ord::integer, n.outcome, n.new_position, hlc_text(n.new_hlc, p_node), v_now, null::jsonb,
    case when n.reply_to_id is not null then message_json(n.t) end
  from numbered n
  union all
  select j.ord::integer, j.outcome, null, null, null, case when j.outcome = 'REPEATED' then message_json(j.e) end, null
  from judged j where j.outcome <> 'SENT';
end
$$;

-- Changes the content of many messages, or deletes them where the content is null; one outcome for each:
-- CHANGED, SAME, NO_ROOM (also: not a member), NO_MESSAGE, FORBIDDEN, DELETED (an edit of a deleted message).
-- One message must not come twice in a call. Locks as send_messages does.
create function change_messages(p_rooms uuid[], p_ids uuid[], p_actors text[], p_contents text[])
returns table (ord integer, outcome text, changed_revision bigint, message jsonb)
language plpgsql
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_now timestamptz;
begin
  perform 1 from rooms where id = any (p_rooms) order by id for no key update;
  v_now := date_trunc('milliseconds', clock_timestamp());
  return query
  with input as materialized (
    select * from unnest(p_rooms, p_ids, p_actors, p_contents) with ordinality as t (room_id, id, actor_id, content, ord)
  ),
  judged as materialized (
    select i.*, e.position,
      case
        when m.user_id is null or m.left_revision is not null then 'NO_ROOM'
        when e.id is null then 'NO_MESSAGE'
        when i.content is null and e.sender_id <> i.actor_id and m.role = 'MEMBER' then 'FORBIDDEN'
        when i.content is not null and e.sender_id <> i.actor_id then 'FORBIDDEN'
        when i.content is null and e.deleted_at is not null then 'SAME'
        when e.deleted_at is not null then 'DELETED'
        when i.content = e.content then 'SAME'
        else 'CHANGED'
      end as outcome
    from input i
    left join members m on m.room_id = i.room_id and m.user_id = i.actor_id
    left join messages e on e.room_id = i.room_id and e.id = i.id
  ),
  numbered as materialized (
    select j.ord, j.room_id, j.position, j.content, r.revision + row_number() over (partition by j.room_id order by j.ord) as new_revision
    from judged j join rooms r on r.id = j.room_id
    where j.outcome = 'CHANGED'
  ),
  changed as (
    update messages set
      revision = n.new_revision,
      content = n.content,
      edited_at = case when n.content is null then edited_at else v_now end,
      deleted_at = case when n.content is null then v_now end
    from numbered n
    where messages.room_id = n.room_id and messages.position = n.position
    returning n.ord, n.new_revision, message_json(messages) as message
  ),
  moved as (
    update rooms set revision = n.new_revision, message_revision = n.new_revision
    from (select room_id, max(new_revision) as new_revision from numbered group by room_id) n
    where rooms.id = n.room_id
  )
  select j.ord::integer, j.outcome, c.new_revision, c.message
  from judged j join changed c on c.ord = j.ord
  union all
  select j.ord::integer, j.outcome, null, (select message_json(e) from messages e where e.room_id = j.room_id and e.id = j.id)
  from judged j where j.outcome <> 'CHANGED';
end
$$;
