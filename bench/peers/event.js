// What all contestants tell of: one MessageSent, with the fields of Causerie's own.
import { createHash } from "node:crypto";

const uuidOf = (text) =>
  createHash("sha256")
    .update(text)
    .digest("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");

// As long as the sender of Causerie's messages in this bench, so that frames are too.
const sender = { id: "bench", name: "Bench", avatarUrl: null };

/** The whole event, as an application would publish it for its GraphQL servers. */
export function messageSent({ roomId, sequence, content }) {
  const cursor = `${uuidOf(roomId)}.${String(sequence).padStart(16, "0")}`;
  return {
    __typename: "MessageSent",
    cursor,
    message: {
      id: uuidOf(`${roomId}/${sequence}`),
      clientMessageId: uuidOf(`client/${sequence}`),
      position: cursor,
      version: cursor,
      content,
      hlc: "019b2f3a4b5c-0001-node-1",
      sentAt: new Date().toISOString(),
      editedAt: null,
      sender,
    },
  };
}

/** What the bench's usual selection leaves of it, for those who do not select. */
export function selected({
  cursor,
  message: {
    id,
    content,
    sentAt,
    sender: { id: senderId, name },
  },
}) {
  return { cursor, message: { id, content, sentAt, sender: { id: senderId, name } } };
}
