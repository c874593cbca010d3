import { createFakeClock } from "./fake-clock.ts";
import type {
  MarkReadMutation,
  RoomMembersQuery,
  RoomMessagesQuery,
  RoomMessagesQueryVariables,
} from "../../src/client/generated/operations.ts";
import { createVariable } from "../../src/client/observable.ts";
import { createLocalLock } from "../../src/client/lock.ts";
import { OfflineQueue } from "../../src/client/offline-queue.ts";
import type { Requests } from "../../src/client/requests.ts";
import { at, memberOf, message, user } from "./room-events.ts";
import type { Message } from "../../src/client/room-event.ts";
import { RoomLog, type RoomLogOptions } from "../../src/client/room-log.ts";
import { Room } from "../../src/client/room.ts";
import { createMemoryStorage } from "../../src/client/storage.ts";

/**
 * A server that has the room `r` with so many messages, for tests. `replies`: which message replies to which; `read`: those that
 * the user has read.
 */
export function createRoomWorld(options: {
  messages: number;
  maxMessages?: number;
  replies?: Record<number, number>;
  read?: readonly number[];
}) {
  const { messages: total, maxMessages = 10_000, replies = {}, read = [] } = options;
  const clock = createFakeClock();
  const marked: string[][] = [];
  const world = {
    /** Whether there is a room `r` for the user. */
    isMember: true,
    isOnline: true,
    /** The ids of all members. */
    members: ["me"],
    /** Called between the reading of a page of messages and its arrival. */
    onPageRead: async (_isOlder: boolean): Promise<void> => undefined,
  };

  function withReply(revision: number): Message {
    const to = replies[revision];
    const replyTo = to === undefined ? null : message(to);
    return { ...message(revision), replyTo };
  }

  function readPage({ last, before }: RoomMessagesQueryVariables): RoomMessagesQuery {
    if (!world.isMember) return { room: null };
    const end = before == null ? total + 1 : Number(before);
    const start = Math.max(1, end - last!);
    const edges = Array.from({ length: end - start }, (_, index) => ({
      node: { ...withReply(start + index), readAt: read.includes(start + index) ? "t" : null, readBy: { edges: [] } },
    }));
    const pageInfo = { hasPreviousPage: start > 1, startCursor: String(start) };
    return {
      room: {
        id: "r",
        cursor: at(total),
        membership: { id: "me", user: user("me"), readThrough: null },
        messages: { edges, pageInfo },
      },
    };
  }

  async function answer(document: string, variables: unknown, signal?: AbortSignal): Promise<unknown> {
    if (!world.isOnline) return lostWith(signal);
    if (document.includes("query RoomMessages")) {
      const given = variables as RoomMessagesQueryVariables;
      const page = readPage(given);
      await world.onPageRead(given.before != null);
      return page;
    }
    if (document.includes("query RoomMembers")) {
      const edges = world.members.map((id) => ({ node: memberOf(id) }));
      const members = { edges, pageInfo: { hasNextPage: false, endCursor: null } };
      return { room: world.isMember ? { id: "r", members } : null } satisfies RoomMembersQuery;
    }
    if (document.includes("mutation MarkRead")) {
      marked.push((variables as { input: { messageIds: string[] } }).input.messageIds);
      const room = { id: "r", cursor: at(total), unreadCount: 0 };
      return { markRead: { room, userErrors: [] } } satisfies MarkReadMutation;
    }
    return { room: null };
  }

  const requests: Requests = {
    ask: async (document, variables, { signal } = {}) =>
      (await answer(document.toString(), variables, signal)) as never,
  };
  const logOptions: RoomLogOptions = {
    roomId: "r",
    userId: "me",
    requests,
    clock,
    maxMessages,
    maxMembers: 100,
    anchored: async () => undefined,
    onFault: () => undefined,
  };

  function openLog() {
    const log = new RoomLog(logOptions);
    log.load();
    return log;
  }

  function openRoom() {
    const queue = new OfflineQueue<Message>({
      name: "me",
      storage: createMemoryStorage(),
      lock: createLocalLock(),
      clock,
      send: async () => ({ ok: false, code: "UNKNOWN", message: "Nothing is sent here." }),
      onFault: () => undefined,
    });
    const link = createVariable({ status: "offline", reason: undefined } as const);
    return new Room({ ...logOptions, queue, link, onCounts: () => undefined });
  }

  return Object.assign(world, { clock, marked, openLog, openRoom });
}

function lostWith(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason as Error)));
}
