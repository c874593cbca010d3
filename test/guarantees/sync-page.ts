import { feedFields, type Item, type TestUser } from "../support/user.ts";

export type SyncPage = { events: Item[]; cursors: string[]; hasMore: boolean };

const syncDocument = `query ($after: [Cursor!]!, $first: Int) {
  sync(after: $after, first: $first) { cursors hasMore events { ${feedFields.replace(/.*CaughtUp.*/, "")} } } }
  fragment M on Message { id content clientMessageId position version sender { id name } }`;

export async function syncPage(user: TestUser, after: string[], first = 100): Promise<SyncPage> {
  return (await user.must<{ sync: SyncPage }>(syncDocument, { after, first })).sync;
}
