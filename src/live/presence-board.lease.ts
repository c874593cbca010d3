import { randomBytes } from "node:crypto";
import { parseJsonObject } from "../json-object.ts";
import { allLeaseKeys } from "./presence-board.keys.ts";
import type { BoardSetup } from "./presence-board.node.ts";
import type { BoardRedis } from "./presence-board.scripts.ts";
import type { BoardNode } from "./presence-board.ts";

/** Epochs of one process that it has yet to end. Beyond, the oldest are ended by others once the process is gone. */
const maxFormers = 8;

/** An epoch whose lease ran out. All its sessions were there when it was last renewed. */
export interface DeadEpoch {
  readonly epoch: string;
  readonly renewedMs: number;
}

/** What a node says of itself to all. */
interface NodeWord extends BoardNode {
  readonly draining: boolean;
  /** Not all its sessions are in Redis again yet. */
  readonly rewriting: boolean;
}

interface LeaseEvents {
  /** The node has a new epoch: nothing that it wrote before counts. */
  entered(): void;
  /** Every interval, while the lease is held. */
  renewed(): void;
  /**
   * Every interval, once the lease has been held without interruption for its length. `dead` are this node's to end; they are
   * told again until they are ended, and another node may have them if this one does not renew.
   */
  mayEnd(dead: readonly DeadEpoch[], epoch: string): void;
}

/**
 * The node's one sign of life: whatever it wrote counts while the lease of its epoch is renewed. A lease that ran out is never
 * taken up again; the node enters under a new epoch.
 *
 * A node ends others' sessions only after it has itself renewed without interruption for the length of a lease: had Redis been
 * out of reach, all that lived would have been back by then.
 */
export class Lease {
  readonly #redis: BoardRedis;
  readonly #setup: BoardSetup;
  readonly #events: LeaseEvents;
  readonly #isRewriting: () => boolean;
  readonly #process = randomBytes(12).toString("base64url");
  #attempts = 0;
  /** Taken, since the start. */
  epochs = 0;
  #epoch: string | null = null;
  /** When the renewals began that have not been interrupted since. */
  #heldSinceMs: number | null = null;
  #renewedAtMs: number | null = null;
  /** Epochs of this process that may still have sessions in Redis. */
  #formers: DeadEpoch[] = [];
  #draining = false;
  /** What the nodes' shared clock is ahead of the monotonic one. */
  #aheadMs: number | null = null;
  #digest = "";
  #nodes: readonly NodeWord[];
  #up = false;
  #callOff = () => {};
  #renewing: Promise<void> | null = null;
  #stopped = false;

  constructor(options: { redis: BoardRedis; setup: BoardSetup; events: LeaseEvents; isRewriting: () => boolean }) {
    this.#redis = options.redis;
    this.#setup = options.setup;
    this.#events = options.events;
    this.#isRewriting = options.isRewriting;
    this.#nodes = [{ ...options.setup.node, draining: false, rewriting: false }];
  }

  get up(): boolean {
    return this.#up;
  }

  get ageMs(): number {
    return this.#renewedAtMs === null ? 0 : this.#monotonicMs() - this.#renewedAtMs;
  }

  get nodes(): readonly BoardNode[] {
    return this.#nodes.filter(({ draining }) => !draining).map(({ nodeId, url }) => ({ nodeId, url }));
  }

  /** Whether a node, as far as known, is still writing its sessions again. */
  get someoneRewrites(): boolean {
    return this.#nodes.some(({ rewriting }) => rewriting);
  }

  /** Whether this process wrote under this epoch. */
  isOwn(epoch: string): boolean {
    return epoch.startsWith(`${this.#process}-`);
  }

  /** The epoch to write under; null while the lease may have run out. */
  get epoch(): string | null {
    return this.#renewedAtMs !== null && this.ageMs < this.#setup.timings.leaseMs ? this.#epoch : null;
  }

  /** Epochs of this process that are to be ended once everything was written again. */
  get formers(): readonly DeadEpoch[] {
    return this.#formers;
  }

  /** Nothing is left of these. */
  ended(epochs: readonly string[]): void {
    this.#formers = this.#formers.filter(({ epoch }) => !epochs.includes(epoch));
  }

  nowMs(): number {
    return this.#aheadMs === null ? this.#setup.clock.wallMs() : Math.floor(this.#monotonicMs() + this.#aheadMs);
  }

  /** Others found this epoch dead. */
  lost(epoch: string): void {
    if (this.#epoch !== epoch) return;
    this.#lose();
    this.renew();
  }

  drain(): void {
    this.#draining = true;
    this.renew();
  }

  /** Now, and from then on every interval. */
  renew(): void {
    if (this.#stopped || this.#renewing !== null) return;
    this.#callOff();
    const atMs = this.#monotonicMs();
    this.#renewing = this.#renew(atMs).finally(() => {
      this.#renewing = null;
      const waitMs =
        this.#epoch === null && this.#up ? 0 : atMs + this.#setup.timings.renewEveryMs - this.#monotonicMs();
      if (!this.#stopped) this.#callOff = this.#setup.clock.after(Math.max(0, waitMs), () => this.renew());
    });
  }

  /** The lease is there for its whole length once more, and then runs out. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#callOff();
    await this.#renewing;
    if (this.#epoch !== null) await this.#ask(this.#epoch, { enters: false, mayEnd: false });
  }

  async #renew(atMs: number): Promise<void> {
    const enters = this.#epoch === null;
    const epoch = this.#epoch ?? `${this.#process}-${(this.#attempts += 1)}`;
    const { leaseMs } = this.#setup.timings;
    if (this.#renewedAtMs === null || atMs - this.#renewedAtMs > leaseMs) this.#heldSinceMs = null;
    const mayEnd = this.#heldSinceMs !== null && atMs - this.#heldSinceMs >= leaseMs;
    const reply = await this.#ask(epoch, { enters, mayEnd });
    this.#up = reply !== null;
    if (reply === null) {
      this.#heldSinceMs = null;
      // It may have been entered all the same.
      if (enters) this.#addFormer(epoch);
      return;
    }
    const [state, now, digest, live, dead] = reply;
    this.#learnTime(Number(now), atMs);
    // Others may have found it dead while this was under way.
    const lostMeanwhile = !enters && this.#epoch !== epoch;
    if (state !== "held") this.#lose();
    if (state !== "held" || lostMeanwhile) return;
    this.#epoch = epoch;
    this.#renewedAtMs = atMs;
    this.#heldSinceMs ??= atMs;
    if (Array.isArray(live)) this.#learnNodes(live, String(digest));
    if (enters) {
      this.epochs += 1;
      this.#events.entered();
    }
    this.#events.renewed();
    if (mayEnd) this.#events.mayEnd(deadEpochs(dead), epoch);
  }

  #ask(epoch: string, { enters, mayEnd }: { enters: boolean; mayEnd: boolean }): Promise<unknown[] | null> {
    const { timings, node } = this.#setup;
    const word: NodeWord = { ...node, draining: this.#draining, rewriting: enters || this.#isRewriting() };
    return this.#redis.run("lease", allLeaseKeys, [
      epoch,
      enters ? "enter" : "renew",
      timings.leaseMs,
      JSON.stringify(word),
      mayEnd ? timings.renewEveryMs * 2 : 0,
      this.#digest,
      timings.keyTtlMs,
      ...(enters ? this.#formers.map((former) => former.epoch) : []),
    ]);
  }

  #lose(): void {
    if (this.#epoch !== null) this.#addFormer(this.#epoch);
    this.#epoch = null;
    this.#heldSinceMs = null;
    this.#renewedAtMs = null;
  }

  #addFormer(epoch: string): void {
    const renewedMs = this.nowMs() - Math.floor(this.ageMs);
    this.#formers = [...this.#formers, { epoch, renewedMs }].slice(-maxFormers);
  }

  /** It was `nowMs` at some time since `askedAtMs`: what was known stays where it agrees with that. */
  #learnTime(nowMs: number, askedAtMs: number): void {
    const [least, most] = [nowMs - this.#monotonicMs(), nowMs - askedAtMs];
    this.#aheadMs = Math.min(most, Math.max(least, this.#aheadMs ?? (least + most) / 2));
  }

  #learnNodes(live: readonly unknown[], digest: string): void {
    this.#digest = digest;
    const nodes = live.flatMap((text, at) => (at % 2 === 1 ? (parseNode(String(text)) ?? []) : []));
    const byId = new Map(nodes.map((node) => [node.nodeId, node]));
    this.#nodes = [...byId.values()].sort((one, other) => (one.nodeId < other.nodeId ? -1 : 1));
  }

  #monotonicMs(): number {
    return this.#setup.clock.monotonicMs();
  }
}

function deadEpochs(words: unknown): DeadEpoch[] {
  const list = Array.isArray(words) ? words : [];
  return list.flatMap((epoch, at) => (at % 2 === 0 ? { epoch: String(epoch), renewedMs: Number(list[at + 1]) } : []));
}

/** Null where the text is not one that a node of ours wrote. */
function parseNode(text: string): NodeWord | null {
  const { nodeId, url, draining, rewriting } = parseJsonObject(text) ?? {};
  if (typeof nodeId !== "string") return null;
  return {
    nodeId,
    url: typeof url === "string" ? url : null,
    draining: draining === true,
    rewriting: rewriting === true,
  };
}
