-- What is durable of a user's presence. Who is here now is not: that is the presence board's.
create table presence (
  user_id text primary key references users on delete cascade,
  -- Raised with each change of the two that follow.
  revision bigint not null default 0,
  custom_status text,
  do_not_disturb_until timestamptz(3),
  -- Late by at most the interval of its writing while the user is here.
  last_seen_at timestamptz(3)
) with (fillfactor = 70);
