/** The client kit: everything that an app over Causerie needs, without a framework. */
export { ChatClient, type ChatClientOptions } from "./chat-client.ts";
export type { ConnectionState } from "./connection-state.ts";
export type { Inbox } from "./inbox-store.ts";
export type { Member, Message, RoomEvent, User } from "./room-event.ts";
export type { RoomSummary } from "./room-summary.ts";
export { Room, type RoomMessage } from "./room.ts";
export { messageKey } from "./message-key.ts";
export type { PendingMessage, RoomStatus } from "./room-log.ts";
export type { Reader, Receipts } from "./room-receipts.ts";
export type { Rooms } from "./rooms.ts";
export type { RoomAdmin } from "./room-admin.ts";
export type { Presence } from "./presence-store.ts";
export type { Requests, RequestOptions } from "./requests.ts";
export { ConnectionLostError, OperationError, type ErrorCode, type ResponseError } from "./operation-error.ts";
export type { Outcome } from "./outcome.ts";
export type { PlainOutcome, RefusalCode, Refused, SendOutcome } from "./send-outcome.ts";

export { createMemoryStorage, createWebStorage, type KeyValueStorage } from "./storage.ts";
export { createIndexedDbStorage } from "./storage.indexed-db.ts";
export { createLocalLock, createWebLock, type Lock } from "./lock.ts";
export { systemClock, type Clock } from "./clock.ts";
export { createVariable, type Observable, type Variable } from "./observable.ts";
export type { BackoffOptions } from "./backoff.ts";

export {
  OrderedMessageBuffer,
  type BufferedEvent,
  type BufferedMessage,
  type OptimisticMessage,
  type OrderedMessageBufferOptions,
} from "./ordered-message-buffer.ts";
export { OfflineQueue, type OfflineQueueOptions } from "./offline-queue.ts";
export { QueueFullError } from "./queue-contents.ts";
export type { FailureReason, NewMessage, OutgoingMessage, QueuedMessage, QueueStatus } from "./queued-message.ts";
export { IdleDetector, type IdleDetectorOptions, type IdleState } from "./idle-detector.ts";
export { TypingNotifier, type TypingNotifierOptions } from "./typing-notifier.ts";
export { ReadReceiptBatcher, type ReadReceiptBatcherOptions } from "./read-receipt-batcher.ts";

export { fromCursors, parseCursor, toCursors, type SyncState } from "../clock/cursors.ts";
export { vectorClock, vectorClockFromJson, type ClockOrder, type VectorClock } from "../clock/vector-clock.ts";
export { createHybridLogicalClock, formatHlc, hlcToMs, parseHlc, type HybridLogicalClock } from "../clock/hlc.ts";

/** The typed operations, as `requests.ask` and every GraphQL client take them. */
export * from "./generated/operations.ts";
