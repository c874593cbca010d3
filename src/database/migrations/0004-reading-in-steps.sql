-- As before, gap by gap: a reader may have very many of them, and then no other order of the join ends in time. The order
-- within a gap is for the index that has it: a plan that was made while the tables were small may take another.
create or replace function count_unread(p_room uuid, p_reader text, p_after bigint) returns bigint
language sql stable
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
  select coalesce(sum(u.unread), 0)::bigint
  from gaps_between_reads(p_room, p_reader, p_after, 9223372036854775807) g
  cross join lateral (
    select count(*) as unread
    from (
      select from messages m
      where m.room_id = p_room and m.position > g.after_position and m.position < g.before_position
        and m.sender_id <> p_reader and m.deleted_at is null
      order by m.position offset 0
    ) m
  ) u
$$;

-- As mark_read, but goes through at most p_gaps gaps between what each reader has read, so that a room is not locked for
-- long. For each call that was READ and has not come to its end there is a row MORE besides: it is to be made again.
create function mark_read_step(p_rooms uuid[], p_readers text[], p_up_to uuid[], p_calls integer[], p_ids uuid[], p_gaps integer)
returns table (
  ord integer, outcome text, changed_revision bigint, from_position bigint, through_position bigint, read_at timestamptz
)
language plpgsql
set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off set enable_hashjoin = off set enable_mergejoin = off
set plan_cache_mode = force_generic_plan
as $$
#variable_conflict use_column
declare
  v_up_to uuid[];
begin
  -- Where a step ends is read before the rooms are locked: wherever that is, what mark_read does is right.
  v_up_to := (
    select array_agg(coalesce(stop.id, i.up_to_id) order by i.ord)
    from unnest(p_rooms, p_readers, p_up_to) with ordinality as i (room_id, reader_id, up_to_id, ord)
    left join read_progress p on p.room_id = i.room_id and p.reader_id = i.reader_id
    left join messages u on u.room_id = i.room_id and u.id = i.up_to_id
    left join lateral (
      select r.from_position from read_ranges r
      where r.room_id = i.room_id and r.reader_id = i.reader_id
        and r.from_position > coalesce(p.marked_through, 0) and r.from_position < u.position
      order by r.from_position offset p_gaps - 1 limit 1
    ) r on true
    -- A range begins with a message. The order is for the index, as above.
    left join lateral (
      select m.id from messages m
      where m.room_id = i.room_id and m.position >= r.from_position
      order by m.position limit 1
    ) stop on true
  );
  return query
  with marked as materialized (select * from mark_read(p_rooms, p_readers, v_up_to, p_calls, p_ids))
  select * from marked
  union all
  select i.ord::integer, 'MORE', null, null, null, null
  from unnest(p_up_to, v_up_to) with ordinality as i (asked, taken, ord)
  where i.asked is distinct from i.taken
    and not exists (select from marked m where m.ord = i.ord and m.outcome <> 'READ');
end
$$;
