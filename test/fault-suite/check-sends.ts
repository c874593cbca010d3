import type { Finding } from "./checker.ts";
import type { Acknowledged, ClientRecord, StoredFacts, StoredMessage } from "./record.ts";

/** What became of everything that was written: is it in the database, once and in its writer's order? */
export function checkSends(records: readonly ClientRecord[], facts: StoredFacts): Finding[] {
  const stored = new Map<string, StoredMessage>();
  const findings: Finding[] = [];
  for (const message of facts.messages) {
    const key = sendKey(message.roomId, message.senderId, message.clientMessageId);
    if (stored.has(key)) findings.push({ kind: "doubled", userId: message.senderId, what: `${key} is stored twice` });
    stored.set(key, message);
  }
  for (const record of records) {
    for (const sent of record.acknowledged) findings.push(...checkSend(record.userId, sent, stored));
    findings.push(...checkOrder(record), ...checkRefusals(record, facts));
  }
  return findings;
}

const sendKey = (...parts: [roomId: string, senderId: string, clientMessageId: string]) => parts.join(" ");

function checkSend(userId: string, sent: Acknowledged, stored: ReadonlyMap<string, StoredMessage>): Finding[] {
  const message = stored.get(sendKey(sent.roomId, userId, sent.clientMessageId));
  const what = `${sent.position} was acknowledged`;
  if (!message) return [{ kind: "lost", userId, what: `${what} and is not stored` }];
  const isSame = message.id === sent.id && message.position === sent.position && message.content === sent.content;
  return isSame ? [] : [{ kind: "altered", userId, what: `${what} and is stored as ${JSON.stringify(message)}` }];
}

function checkOrder({ userId, acknowledged }: ClientRecord): Finding[] {
  const newest = new Map<string, string>();
  const findings: Finding[] = [];
  for (const { roomId, position } of acknowledged) {
    const before = newest.get(roomId);
    if (before !== undefined && position <= before)
      findings.push({ kind: "out of order", userId, what: `${position} was written after ${before}` });
    newest.set(roomId, position);
  }
  return findings;
}

/** Nothing that a member writes may be refused; one who was removed meanwhile may have been too late. */
function checkRefusals({ userId, refused, begunAtMs }: ClientRecord, { stays }: StoredFacts): Finding[] {
  const alwaysIn = stays.filter((stay) => stay.userId === userId && stay.left === null && stay.joinedAtMs <= begunAtMs);
  return refused
    .filter(({ roomId }) => alwaysIn.some((stay) => stay.roomId === roomId))
    .map(({ clientMessageId, code }) => ({ kind: "lost", userId, what: `${clientMessageId} was refused: ${code}` }));
}
