import type { Clock } from "../../src/client/clock.ts";
import { createFakeClock } from "./fake-clock.ts";
import { createLocalLock, type Lock } from "../../src/client/lock.ts";
import { OfflineQueue, type OfflineQueueOptions } from "../../src/client/offline-queue.ts";
import type { FailureReason, OutgoingMessage } from "../../src/client/queued-message.ts";
import type { RefusalCode, SendOutcome } from "../../src/client/send-outcome.ts";
import { createMemoryStorage, type KeyValueStorage } from "../../src/client/storage.ts";

/** What happens to one call: answered, lost on its way there or back, delivered after the client gave up, or limited. */
export type Fate = "ok" | "lost there" | "lost back" | "late" | "limited";
export type Posted = { id: string; content: string };

const never = new Promise<never>(() => undefined);

/** A browser with tabs over one storage, and a server that posts each message once. For tests. */
export function createWorld(options: { nextFate?: () => Fate; isLockShared?: boolean } = {}) {
  const { nextFate = () => "ok", isLockShared = true } = options;
  const clock = createFakeClock();
  const medium = createMemoryStorage();
  const sharedLock = createLocalLock();
  const rooms = new Map<string, Posted[]>();
  const calls: (OutgoingMessage & { tab: number })[] = [];
  const refused = new Map<string, FailureReason & { code: RefusalCode }>();
  const faults: unknown[] = [];
  let tabs = 0;

  function post(message: OutgoingMessage): SendOutcome<Posted> {
    const refusal = refused.get(message.content);
    if (refusal) return { ok: false, ...refusal };
    const room = rooms.get(message.roomId) ?? [];
    rooms.set(message.roomId, room);
    const before = room.find((posted) => posted.id === message.clientMessageId);
    const posted = before ?? { id: message.clientMessageId, content: message.content };
    if (!before) room.push(posted);
    return { ok: true, message: posted };
  }

  async function receive(message: OutgoingMessage): Promise<SendOutcome<Posted>> {
    const fate = nextFate();
    await delay(100);
    if (fate === "lost there") throw new Error("The connection was lost.");
    if (fate === "limited")
      return { ok: false, code: "RATE_LIMITED", message: "Too many requests.", retryAfterMs: 5_000 };
    if (fate === "late") {
      await delay(40_000);
      post(message);
      return never;
    }
    const outcome = post(message);
    await delay(100);
    if (fate === "lost back") throw new Error("The connection was lost.");
    return outcome;
  }

  function delay(ms: number) {
    return new Promise<void>((resolve) => clock.setTimeout(resolve, ms));
  }

  /** Opens a tab. `kill` ends it as a crash does: nothing of it goes on, its locks are free, its calls may still arrive. */
  function openTab(more: Partial<OfflineQueueOptions<Posted>> = {}) {
    const tab = tabs++;
    const { promise: death, reject } = Promise.withResolvers<never>();
    death.catch(() => undefined);
    let isDead = false;
    const unlessDead = <T>(value: T): T | Promise<never> => (isDead ? never : value);
    const tabClock: Clock = { ...clock, setTimeout: (work, ms) => clock.setTimeout(() => void (isDead || work()), ms) };
    const ownLock = isLockShared ? sharedLock : createLocalLock();
    const lock: Lock = async (name, work) => {
      try {
        return await ownLock(name, () => (isDead ? death : Promise.race([work(), death])));
      } catch (error) {
        if (isDead) return never;
        throw error;
      }
    };
    const queue = new OfflineQueue<Posted>({
      name: "alice",
      storage: mortal(medium, () => delay(1), unlessDead),
      clock: tabClock,
      lock,
      backoff: { baseMs: 500, maxMs: 8_000, random: () => 0.999 },
      onFault: (error) => faults.push(error),
      async send(message) {
        calls.push({ ...message, tab });
        return unlessDead(await receive(message));
      },
      ...more,
    });
    const kill = () => {
      isDead = true;
      reject(new Error("The tab is gone."));
    };
    return { queue, kill, tab };
  }

  const posted = (roomId: string) => (rooms.get(roomId) ?? []).map((one) => one.content);
  return { clock, medium, calls, refused, faults, openTab, posted };
}

/** The storage as one tab reaches it: each step takes a moment, and none goes on once the tab is dead. */
function mortal(
  medium: KeyValueStorage,
  moment: () => Promise<void>,
  unlessDead: <T>(value: T) => T | Promise<never>,
): KeyValueStorage {
  async function step<T>(work: () => Promise<T>, momentsBack = 1): Promise<T> {
    await moment();
    await unlessDead(undefined);
    const result = await work();
    for (let index = 0; index < momentsBack; index++) await moment();
    return unlessDead(result);
  }
  return {
    get: (key) => step(() => medium.get(key)),
    set: (key, value) => step(() => medium.set(key, value)),
    delete: (key) => step(() => medium.delete(key)),
    // A list is longer on its way than a value: it may be behind what was written meanwhile.
    keys: (prefix) => step(() => medium.keys(prefix), 4),
  };
}
