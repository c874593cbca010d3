-- When an operator last ended a user's connections. Not in the user's row, which an erasure takes: the key is derived from
-- the id, and goes within a day or so. (users.revoked_at is what programs before this one ask.)
create table revocations (
  user_key uuid primary key,
  revoked_at timestamptz not null
);
create index revocations_by_time on revocations (revoked_at);
