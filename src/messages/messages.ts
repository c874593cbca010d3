import { createHash, randomUUID } from "node:crypto";
import type { HybridLogicalClock } from "../clock/hlc.ts";
import { parseHlc } from "../clock/hlc.ts";
import { SpanKind, trace, type SpanContext } from "@opentelemetry/api";
import { isTransient } from "../database/faults.ts";
import { conflict, forbidden, invalid, notFound, rateLimited } from "../errors.ts";
import { checkText } from "../text.ts";
import { inSpan } from "../tracing.ts";
import { createBatcher } from "../log/batcher.ts";
import type { MessageRow, UserRow } from "../log/changes.ts";
import { messageChange } from "../log/changes.ts";
import type { Hub } from "../log/hub.ts";
import { derivedId, isId } from "../log/ids.ts";
import type { Changed, MessageEdit, MessagesStore, NewMessage, Sent } from "./messages.store.ts";

const maxContentCharacters = 8_000;
const maxClientIdCharacters = 64;

export type SendInput = { roomId: string; content: string; clientMessageId?: string | null; replyToId?: string | null };
type Sending = {
  message: NewMessage;
  sender: UserRow;
  /** The span that asked for it. */ span: SpanContext | undefined;
};
export type Messages = ReturnType<typeof createMessages>;

/** Sends, edits and deletes. Each resolves after the commit and after this node's readers were given the change. */
export function createMessages(use: {
  store: MessagesStore;
  hub: Pick<Hub, "publish">;
  clock: HybridLogicalClock;
  nodeId: string;
  onBatch?: (size: number) => void;
}) {
  const { store, hub, clock, nodeId, onBatch = () => {} } = use;
  const overloaded = () => rateLimited(1_000);

  const sends = createBatcher<Sending, Sent>({
    run: runSends,
    laneOf: ({ message }) => message.roomId,
    keyOf: ({ message }) => message.id,
    isTransient,
    overloaded,
  });
  const changes = createBatcher<MessageEdit, Changed>({
    run: runChanges,
    laneOf: ({ roomId }) => roomId,
    keyOf: ({ roomId, id }) => `${roomId} ${id}`,
    isTransient,
    overloaded,
  });

  async function runSends(batch: Sending[]): Promise<Sent[]> {
    onBatch(batch.length);
    const links = batch.flatMap(({ span }) => (span ? [{ context: span }] : []));
    const attributes = {
      "db.system.name": "postgresql",
      "db.stored_procedure.name": "send_messages",
      "db.operation.batch.size": batch.length,
    };
    return inSpan("send_messages", { kind: SpanKind.CLIENT, attributes, links }, async () => {
      const messages = batch.map(({ message }) => message);
      const sent = await store.send(messages, { node: nodeId, hlc: clock.now() });
      publishSent(batch, sent);
      return sent;
    });
  }

  /** One publication for each room, its messages in the order of their positions. */
  function publishSent(batch: Sending[], sent: Sent[]): void {
    const rooms = new Map<string, { messages: MessageRow[]; replies: MessageRow[]; senders: Map<string, UserRow> }>();
    sent.forEach(({ outcome, message, reply }, index) => {
      if (outcome !== "SENT" || !message) return;
      let room = rooms.get(message.roomId);
      if (!room) rooms.set(message.roomId, (room = { messages: [], replies: [], senders: new Map() }));
      room.messages.push(message);
      if (reply) room.replies.push(reply);
      room.senders.set(message.senderId, batch[index]!.sender);
    });
    for (const [roomId, { messages, replies, senders }] of rooms) {
      messages.sort((a, b) => a.position - b.position);
      clock.absorb(parseHlc(messages.at(-1)!.hlc).reading);
      hub.publish({
        roomId,
        changes: messages.map(messageChange),
        users: [...senders.values()],
        messages: replies,
        room: null,
      });
    }
  }

  async function runChanges(batch: MessageEdit[]): Promise<Changed[]> {
    onBatch(batch.length);
    const changed = await store.change(batch);
    const rooms = new Map<string, MessageRow[]>();
    for (const { outcome, message } of changed) {
      if (outcome === "CHANGED" && message) rooms.set(message.roomId, [...(rooms.get(message.roomId) ?? []), message]);
    }
    for (const [roomId, messages] of rooms) {
      messages.sort((a, b) => a.revision - b.revision);
      hub.publish({ roomId, changes: messages.map(messageChange), users: [], messages: [], room: null });
    }
    return changed;
  }

  /**
   * Idempotent by sender, room and `clientMessageId`: a repeat returns the message as it is now.
   * @throws Refusal INVALID, NOT_FOUND (no such room, or not a member), CONFLICT (the id was used with other content)
   */
  async function send(sender: UserRow, input: SendInput): Promise<MessageRow> {
    const { roomId, content } = input;
    checkText(content, { name: "content", max: maxContentCharacters });
    const clientMessageId = input.clientMessageId ?? randomUUID();
    checkText(clientMessageId, { name: "clientMessageId", max: maxClientIdCharacters });
    const replyToId = input.replyToId ?? null;
    if (!isId(roomId)) throw notFound("room", ["roomId"]);
    // A room that is not theirs is the first thing to be told, so an id that cannot be is checked with the others.
    const digest = createHash("sha256")
      .update(JSON.stringify([content, replyToId]))
      .digest();
    const id = derivedId("message", roomId, sender.id, clientMessageId);
    const reply = replyToId !== null && !isId(replyToId) ? NO_MESSAGE_ID : replyToId;
    const message = { roomId, id, senderId: sender.id, clientMessageId, digest, content, replyToId: reply };
    const sent = await sends.add({ message, sender, span: trace.getActiveSpan()?.spanContext() });
    switch (sent.outcome) {
      case "NO_ROOM":
        throw notFound("room", ["roomId"]);
      case "NO_REPLY":
        throw notFound("message", ["replyToId"]);
      case "CONFLICT":
        throw conflict("This clientMessageId was used before in this room with other content.", ["clientMessageId"]);
      default:
        return sent.message!;
    }
  }

  /** Only one's own. @throws Refusal INVALID (also: deleted), NOT_FOUND, FORBIDDEN */
  async function edit(
    actorId: string,
    input: { roomId: string; messageId: string; content: string },
  ): Promise<MessageRow> {
    checkText(input.content, { name: "content", max: maxContentCharacters });
    return change({ roomId: input.roomId, id: input.messageId, actorId, content: input.content });
  }

  /** One's own, or as an owner or admin anybody's. Deleting twice changes nothing. */
  async function remove(actorId: string, input: { roomId: string; messageId: string }): Promise<MessageRow> {
    return change({ roomId: input.roomId, id: input.messageId, actorId, content: null });
  }

  async function change(edited: MessageEdit): Promise<MessageRow> {
    if (!isId(edited.roomId)) throw notFound("room", ["roomId"]);
    const id = isId(edited.id) ? edited.id : NO_MESSAGE_ID;
    const { outcome, message } = await changes.add({ ...edited, id });
    switch (outcome) {
      case "NO_ROOM":
        throw notFound("room", ["roomId"]);
      case "NO_MESSAGE":
        throw notFound("message", ["messageId"]);
      case "FORBIDDEN":
        throw forbidden("This is another's message.", ["messageId"]);
      case "DELETED":
        throw invalid("The message was deleted.", ["messageId"]);
      default:
        return message!;
    }
  }

  /** Resolves when all that was begun has ended. */
  const idle = async () => void (await Promise.all([sends.idle(), changes.idle()]));
  return { send, edit, remove, idle };
}

/** No message has it. It stands for ids that cannot be one, so that these cost and answer the same. */
const NO_MESSAGE_ID = "00000000-0000-0000-0000-000000000000";
