-- How far a reader has come in a room: from where the functions below look. One row for each who has read something there.
create table read_progress (
  room_id uuid not null,
  reader_id text not null,
  -- All of others' messages up to here are in the reader's ranges.
  marked_through bigint not null default 0,
  -- Of others' messages since the reader's join, all up to here are in the reader's ranges, or were deleted.
  read_through bigint not null default 0,
  primary key (room_id, reader_id)
) with (fillfactor = 70);

-- The reader's range that holds a position; none where it is unread. A reader's ranges never overlap.
create function read_range_at(p_room uuid, p_reader text, p_position bigint) returns setof read_ranges
language sql stable as $$
  select r.* from (
    select * from read_ranges r
    where r.room_id = p_room and r.reader_id = p_reader and r.from_position <= p_position
    order by r.from_position desc limit 1
  ) r
  where r.through_position >= p_position
$$;

-- What lies between the reader's ranges, from one position to another; none of the ends belongs to it. Some are empty.
create function gaps_between_reads(p_room uuid, p_reader text, p_after bigint, p_before bigint)
returns table (after_position bigint, before_position bigint)
language sql stable as $$
  select
    coalesce(
      lag(e.through_position) over (order by e.from_position),
      (select r.through_position from read_range_at(p_room, p_reader, p_after) r),
      p_after),
    e.from_position
  from (
    select r.from_position, r.through_position from read_ranges r
    where r.room_id = p_room and r.reader_id = p_reader and r.from_position > p_after and r.from_position < p_before
    union all
    select p_before, null
  ) e
$$;

-- The position of the first of others' messages after a position that is neither read nor deleted; null where there is none.
create function first_unread(p_room uuid, p_reader text, p_after bigint) returns bigint
language plpgsql stable
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set plan_cache_mode = force_generic_plan
as $$
declare
  v_position bigint := p_after;
  v_next bigint;
begin
  loop
    v_next := (
      select m.position from messages m
      where m.room_id = p_room and m.position > v_position and m.sender_id <> p_reader and m.deleted_at is null
      order by m.position limit 1);
    v_position := (select r.through_position from read_range_at(p_room, p_reader, v_next) r);
    if v_next is null or v_position is null then
      return v_next;
    end if;
  end loop;
end
$$;

-- How many of others' messages after a position are neither read nor deleted. Looks at what is unread alone.
create function count_unread(p_room uuid, p_reader text, p_after bigint) returns bigint
language sql stable
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
  select count(*)
  from gaps_between_reads(p_room, p_reader, p_after, 9223372036854775807) g
  join messages m on m.room_id = p_room and m.position > g.after_position and m.position < g.before_position
  where m.sender_id <> p_reader and m.deleted_at is null
$$;

-- Marks others' messages as read, for many readers and rooms: call i is of reader p_readers[i] in room p_rooms[i], and
-- marks all up to the message p_up_to[i], or those whose p_ids have i in p_calls. One reader must not come twice for one
-- room. Gives for each call NO_ROOM (also: not a member), NO_MESSAGE (an id that is not in the room: nothing is marked),
-- or READ with each range that is new or grew; no row where all was read before. A room's ranges of one call of this
-- function take one revision for each thousand.
--
-- A range joins those beside it that were read less than a minute ago, with the earliest time: no time shown is more than a
-- minute before the true one. Beside it means that no other's message lies between, not even a deleted one, so that
-- ranges are exact. What was read keeps its time, whatever is marked again. Locks as send_messages does.
create function mark_read(p_rooms uuid[], p_readers text[], p_up_to uuid[], p_calls integer[], p_ids uuid[])
returns table (
  ord integer, outcome text, changed_revision bigint, from_position bigint, through_position bigint, read_at timestamptz
)
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_now timestamptz;
  v_outcomes text[];
  v_up_to bigint[];
  v_positions bigint[];
  v_own boolean[];
  v_calls integer[];
  v_revisions bigint[];
  v_from bigint[];
  v_through bigint[];
  v_times timestamptz[];
begin
  perform 1 from rooms where id = any (p_rooms) order by id for no key update;
  v_now := date_trunc('milliseconds', clock_timestamp());

  select
    array_agg(m.position order by i.ord),
    array_agg(m.sender_id = p_readers[i.call] order by i.ord)
  into v_positions, v_own
  from unnest(p_calls, p_ids) with ordinality as i (call, id, ord)
  left join messages m on m.room_id = p_rooms[i.call] and m.id = i.id;
  v_calls := (select array_agg(distinct i.call) from unnest(p_calls, v_positions) as i (call, position) where i.position is null);

  select
    array_agg(
      case
        when m.user_id is null or m.left_revision is not null then 'NO_ROOM'
        when i.up_to_id is not null and u.id is null then 'NO_MESSAGE'
        when i.ord = any (v_calls) then 'NO_MESSAGE'
        else 'READ'
      end order by i.ord),
    array_agg(u.position order by i.ord)
  into v_outcomes, v_up_to
  from unnest(p_rooms, p_readers, p_up_to) with ordinality as i (room_id, reader_id, up_to_id, ord)
  left join members m on m.room_id = i.room_id and m.user_id = i.reader_id
  left join messages u on u.room_id = i.room_id and u.id = i.up_to_id;

  with
  -- Named one by one and unread; `before` is the nearest of others' messages before it.
  named as materialized (
    select i.call, i.position, b.position as before
    from (select distinct * from unnest(p_calls, v_positions, v_own) as i (call, position, own)) i
    left join lateral (
      select m.position from messages m
      where m.room_id = p_rooms[i.call] and m.position < i.position and m.sender_id <> p_readers[i.call]
      order by m.position desc limit 1
    ) b on true
    where v_outcomes[i.call] = 'READ' and not i.own
      and not exists (select from read_range_at(p_rooms[i.call], p_readers[i.call], i.position))
  ),
  runs as (
    select call, min(position) as low, max(position) as high
    from (
      select n.*, count(*) filter (where n.begins) over (partition by call order by position) as run
      from (
        select n.*, before is distinct from lag(position) over (partition by call order by position) as begins
        from named n
      ) n
    ) n
    group by call, run
  ),
  -- All up to one: what is unread between the ranges.
  stretches as (
    select i.call, low.position as low, high.position as high
    from (select ord::integer as call, up_to from unnest(v_up_to) with ordinality as i (up_to, ord)) i
    left join read_progress p on p.room_id = p_rooms[i.call] and p.reader_id = p_readers[i.call]
    cross join lateral gaps_between_reads(p_rooms[i.call], p_readers[i.call], coalesce(p.marked_through, 0), i.up_to + 1) g
    cross join lateral (
      select m.position from messages m
      where m.room_id = p_rooms[i.call] and m.position > g.after_position and m.position < g.before_position
        and m.sender_id <> p_readers[i.call]
      order by m.position limit 1
    ) low
    cross join lateral (
      select m.position from messages m
      where m.room_id = p_rooms[i.call] and m.position >= low.position and m.position < g.before_position
        and m.sender_id <> p_readers[i.call]
      order by m.position desc limit 1
    ) high
    where v_outcomes[i.call] = 'READ' and i.up_to > coalesce(p.marked_through, 0)
  ),
  fresh as materialized (select * from runs union all select * from stretches),
  beside as (
    select distinct f.call, r.from_position as low, r.through_position as high, r.read_at
    from fresh f
    cross join lateral (
      (select m.position from messages m
        where m.room_id = p_rooms[f.call] and m.position < f.low and m.sender_id <> p_readers[f.call]
        order by m.position desc limit 1)
      union all
      (select m.position from messages m
        where m.room_id = p_rooms[f.call] and m.position > f.high and m.sender_id <> p_readers[f.call]
        order by m.position limit 1)
    ) b
    cross join lateral read_range_at(p_rooms[f.call], p_readers[f.call], b.position) r
    where r.read_at > v_now - interval '1 minute'
  ),
  pieces as (
    select call, low, high, v_now as read_at, false as present from fresh
    union all
    select call, low, high, read_at, true from beside
  ),
  chained as materialized (
    select p.*, count(*) filter (where p.begins) over (partition by call order by low) as chain
    from (
      select p.*,
        coalesce(lag(high) over (partition by call order by low) < (
          select m.position from messages m
          where m.room_id = p_rooms[p.call] and m.position < p.low and m.sender_id <> p_readers[p.call]
          order by m.position desc limit 1
        ), true) as begins
      from pieces p
    ) p
  ),
  merged as (
    select call, min(low) as low, max(high) as high, min(read_at) as read_at from chained group by call, chain
  ),
  numbered as materialized (
    select m.*, r.id as room_id, p_readers[m.call] as reader_id,
      r.revision + 1 + (row_number() over (partition by r.id order by m.call, m.low) - 1) / 1000 as new_revision
    from merged m join rooms r on r.id = p_rooms[m.call]
  ),
  absorbed as (
    delete from read_ranges r
    using (select call, low, present, min(low) over (partition by call, chain) as kept from chained) c
    where c.present and c.low > c.kept
      and r.room_id = p_rooms[c.call] and r.reader_id = p_readers[c.call] and r.from_position = c.low
  ),
  written as (
    insert into read_ranges (room_id, reader_id, from_position, through_position, read_at, revision)
    select room_id, reader_id, low, high, read_at, new_revision from numbered
    on conflict (room_id, reader_id, from_position) do update set
      through_position = excluded.through_position, read_at = excluded.read_at, revision = excluded.revision
  ),
  moved as (
    update rooms set revision = n.new_revision, receipt_revision = n.new_revision
    from (select room_id, max(new_revision) as new_revision from numbered group by room_id) n
    where rooms.id = n.room_id
  ),
  marked as (
    insert into read_progress (room_id, reader_id, marked_through)
    select p_rooms[i.call], p_readers[i.call], coalesce(v_up_to[i.call], 0)
    from generate_subscripts(v_outcomes, 1) as i (call)
    where v_outcomes[i.call] = 'READ'
    on conflict (room_id, reader_id) do update set marked_through = excluded.marked_through
    where excluded.marked_through > read_progress.marked_through
  )
  select array_agg(call), array_agg(new_revision), array_agg(low), array_agg(high), array_agg(read_at)
  into v_calls, v_revisions, v_from, v_through, v_times
  from numbered;

  update read_progress set read_through = c.read_through
  from (
    select p.room_id, p.reader_id, coalesce(
      first_unread(p.room_id, p.reader_id, greatest(m.joined_revision, p.marked_through, p.read_through)) - 1,
      r.revision) as read_through
    from (select distinct unnest(v_calls) as call) i
    join read_progress p on p.room_id = p_rooms[i.call] and p.reader_id = p_readers[i.call]
    join members m on m.room_id = p.room_id and m.user_id = p.reader_id
    join rooms r on r.id = p.room_id
  ) c
  where read_progress.room_id = c.room_id and read_progress.reader_id = c.reader_id
    and c.read_through > read_progress.read_through;

  return query
  select c.call, 'READ', c.revision, c.low, c.high, c.read_at
  from unnest(v_calls, v_revisions, v_from, v_through, v_times) as c (call, revision, low, high, read_at)
  union all
  select i.call, v_outcomes[i.call], null, null, null, null
  from generate_subscripts(v_outcomes, 1) as i (call)
  where v_outcomes[i.call] <> 'READ';
end
$$;
