-- When an operator last ended the user's connections: nodes that did not hear of it ask.
alter table users add column revoked_at timestamptz;
