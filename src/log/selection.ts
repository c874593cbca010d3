import type { ChangeKind, MessageRow, RoomEvent, RoomRow, UserRow } from "./changes.ts";
import type { Payload } from "./sink.ts";

/** `CaughtUp`, as the schema resolves it. */
export type CaughtUp = { type: "CaughtUp"; cursors: string[] };
export type FeedItem = RoomEvent | CaughtUp;

/** Who reads. */
export type Viewer = UserRow;

/** What a subscriber asked for, its position left out: the same for all who asked alike. */
export interface Selection {
  /** Equal for operations whose responses are equal: normalised document, operation name, variables. */
  readonly key: string;
  readonly kinds: ReadonlySet<ChangeKind>;
  /** Something in it depends on the viewer, so it is executed for each. */
  readonly perViewer: boolean;
  /** Starts on some events, whose rows are at hand; executions of one start load their rest in common batches. */
  begin(atHand: AtHand): Execution;
}

export type AtHand = { users: UserRow[]; messages: MessageRow[]; rooms: RoomRow[] };

export interface Execution {
  /** Without a viewer: for all who share the selection. At once where nothing is to be loaded. Never throws. */
  run(item: FeedItem, viewer: Viewer | null): Executed | Promise<Executed>;
}

export type Executed = {
  payload: Payload;
  /** The newest revision at which a membership of the room had changed in what was loaded for it; 0 where nothing was. */
  memberRevision: number;
  /** Something could not be loaded, since the database is away: the response is not to be given, but to be made again. */
  fault?: unknown;
};
