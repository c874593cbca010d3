import type { ChangeKind } from "../../src/log/changes.ts";
import { createFeeds } from "../../src/log/feeds.ts";
import { uncounted } from "../../src/log/hub-metrics.ts";
import { Hub } from "../../src/log/hub.ts";
import { payloadOf } from "../../src/log/payload.ts";
import { encodePublication, roomChannel, type Publication } from "../../src/log/publication.ts";
import type { Execution, FeedItem, Selection, Viewer } from "../../src/log/selection.ts";
import { userPublication } from "../../src/log/watches.ts";
import type { Bus } from "../../src/live/bus.ts";
import { ModelClient } from "./model-client.ts";
import { ModelLog } from "./model-log.ts";

/** What a selection asks for: the event alone, or also what is loaded when it is executed, for all at once or for each viewer. */
export type Asking = "event" | "room" | "viewer";
/** What becomes of a publication. Local ones are this node's own. */
export type Fate = "local" | "bus" | "doubled" | "held" | "lost";
export type Door = "roomEvents" | "inbox";
/** Where a client that has no cursor yet begins. */
export type From = "the beginning" | "now";

type Pending = { settle: () => void; fail: () => void };

/**
 * One node over a model of the log. Nothing happens by itself: reads and executions answer, and held publications arrive,
 * when they are told to.
 */
export class ModelWorld implements AsyncDisposable {
  readonly log: ModelLog;
  readonly clients: { client: ModelClient; door: Door; asking: Asking; roomId: string; from: From }[] = [];
  readonly faults: unknown[] = [];
  readonly hub: Hub;
  readonly #feeds: ReturnType<typeof createFeeds>;
  readonly #listeners = new Map<string, Set<(text: string) => void>>();
  readonly #pending: Pending[] = [];
  readonly #held: { channel: string; text: string; local: (() => void) | null }[] = [];

  constructor(roomIds: string[]) {
    this.log = new ModelLog(roomIds);
    const store = this.log.store((answer) => this.#later(answer, { mayFail: true }));
    this.hub = new Hub({
      nodeId: "here",
      bus: this.#bus(),
      store,
      metrics: uncounted,
      onFault: (fault) => this.faults.push(fault),
      clock: { absorb() {} },
      holeTimeoutMs: 0,
    });
    this.#feeds = createFeeds({ hub: this.hub, store, maxFollowedRooms: Infinity });
  }

  /** Tells the node of a commit, or does not. */
  publish(publication: Publication | null, fate: Fate, movedUserId?: string): void {
    if (!publication) return;
    const local = () => {
      this.hub.publish(publication);
      if (movedUserId !== undefined) this.hub.publishUser(movedUserId, this.log.users.get(movedUserId)!);
    };
    const user = movedUserId === undefined ? null : userPublication(movedUserId, this.log.users.get(movedUserId)!);
    const texts = [{ channel: roomChannel(publication.roomId), text: encodePublication("there", publication) }];
    if (user) texts.push(user);
    if (fate === "local") local();
    if (fate === "held") this.#held.push(...texts.map((text) => ({ ...text, local: null })));
    if (fate === "bus" || fate === "doubled") for (const { channel, text } of texts) this.#arrive(channel, text);
    if (fate === "doubled") for (const { channel, text } of texts.toReversed()) this.#arrive(channel, text);
  }

  /** A held publication arrives; it may arrive again. */
  deliverHeld(index: number): void {
    const held = this.#held[index % this.#held.length];
    if (held) this.#arrive(held.channel, held.text);
  }

  /** What was asked for first, or so, is answered. */
  settle(index: number, fails = false): void {
    const [pending] = this.#pending.splice(index % Math.max(1, this.#pending.length), 1);
    if (fails) pending?.fail();
    else pending?.settle();
  }

  get isWaiting(): boolean {
    return this.#pending.length > 0;
  }

  addClient(options: {
    userId: string;
    kinds: ReadonlySet<ChangeKind>;
    door: Door;
    asking: Asking;
    roomId: string;
    from: From;
  }) {
    const client = new ModelClient({ ...options, rooms: this.log.rooms });
    this.clients.push({ client, ...options });
  }

  /** Opens the subscription of a client that has none, with its newest cursors. */
  open({ client, door, asking, roomId, from }: (typeof this.clients)[number]): void {
    if (client.isOpen) return;
    const sink = client.open();
    const viewer = { id: client.userId, name: client.userId, avatarUrl: null };
    const open = { viewer, sink, cost: 1, selection: this.#selection(asking, client.kinds) };
    const beginning = from === "now" ? null : `${roomId}.${"0".repeat(16)}`;
    const { cursors } = client;
    const opened =
      door === "inbox"
        ? this.#feeds.openInbox({ ...open, after: from === "now" && cursors.length === 0 ? null : cursors })
        : this.#feeds.openRoomEvents({ ...open, roomId, after: client.cursorOf(roomId) ?? beginning });
    opened.catch((refusal: unknown) => sink.fail(refusal));
  }

  #arrive(channel: string, text: string): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener(text);
  }

  #later<Answer>(answer: Answer, { mayFail = false } = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const settle = () => resolve(answer);
      this.#pending.push({ settle, fail: mayFail ? () => reject(new Error("The database is away.")) : settle });
    });
  }

  #bus(): Bus {
    return {
      publish: async () => true,
      subscribe: (channel, listener) => {
        const listeners = this.#listeners.get(channel) ?? new Set();
        this.#listeners.set(channel, listeners.add(listener));
        return { acknowledged: this.#later(true), close: async () => void listeners.delete(listener) };
      },
      up: true,
      onRecovered: () => () => undefined,
      onStateChange: () => () => undefined,
      close: async () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    };
  }

  #selection(asking: Asking, kinds: ReadonlySet<ChangeKind>): Selection {
    return {
      key: `${asking} ${[...kinds].join(" ")}`,
      kinds,
      perViewer: asking === "viewer",
      begin: () => this.#execution(asking),
    };
  }

  #execution(asking: Asking): Execution {
    return {
      run: (item: FeedItem, viewer: Viewer | null) => {
        const isPlain = item.type === "CaughtUp" || (asking === "event" && !(viewer && item.type === "MemberLeft"));
        if (isPlain) return { payload: payloadOf(JSON.stringify(item)), memberRevision: 0 };
        const { memberRevision, nested } = this.#load(item.roomId, viewer);
        return this.#later({ payload: payloadOf(JSON.stringify({ ...item, nested })), memberRevision });
      },
    };
  }

  /** What `room { messages { content } }` gives at present: all for nobody in particular, and for members. */
  #load(roomId: string, viewer: Viewer | null) {
    const room = this.log.rooms.get(roomId)!;
    const sees = viewer === null || room.isMember(viewer.id);
    const nested = sees ? room.messages.map((message) => message.content ?? "") : [];
    return { memberRevision: room.row.memberRevision, nested };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { client } of this.clients) client.sink?.close();
    await this.hub[Symbol.asyncDispose]();
  }
}
