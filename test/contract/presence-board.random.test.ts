import { randomUUID } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type {
  Device,
  NewSession,
  PresenceBoard,
  PresenceStatus,
  SessionState,
  UserPresence,
} from "../../src/live/presence-board.ts";
import { until } from "../support/until.ts";
import { backends, observe } from "./presence-board-backends.ts";
import type { BoardBackend } from "./presence-board-backends.ts";
import { chanceFrom, printedSeed, unreliable } from "./presence-board-chance.ts";
import type { Chance } from "./presence-board-chance.ts";
import { ManualClock } from "./presence-board-clocks.ts";

const statuses: PresenceStatus[] = ["ONLINE", "AWAY", "BUSY", "OFFLINE"];
const devices: Device[] = ["WEB", "MOBILE", "DESKTOP"];
const timings = { leaseMs: 600_000, answerWithinMs: 600_000, gapWaitMs: 100, compareEveryMs: 5_000 };
const [users, sessions, steps] = [150, 500, 4_000];

describe.for(Object.entries(backends))("presence board in %s", ([, start]) => {
  let backend: BoardBackend;
  beforeAll(async () => void (backend = await start()));
  afterAll(() => backend?.close());

  test(
    "500 sessions go up and down at random, announcements are lost, doubled and late: in the end all nodes agree with the truth",
    { timeout: 120_000 },
    async () => {
      const chance = chanceFrom(printedSeed("500 sessions at random"));
      const clock = new ManualClock();
      await using nodes = await backend.open({ clock, timings, through: (bus) => unreliable(bus, chance) });
      const boards = [nodes.here, nodes.there];
      const userIds = Array.from({ length: users }, (): string => randomUUID());
      const observers = await Promise.all(boards.map((board) => observe(board, userIds)));
      const lastTold = boards.map(() => new Map<string, PresenceStatus>());

      const world = new World({ boards, userIds, clock, chance });
      for (let step = 0; step < steps; step += 1) {
        world.step();
        if (step % 5 === 0) await setImmediate();
      }
      world.settle();
      const truth = new Map(userIds.map((userId) => [userId, world.truth(userId)]));
      expect(new Set([...truth.values()].map(({ status }) => status)).size, "all kinds of users are there").toBe(4);

      for (const [at, board] of boards.entries()) {
        await until("the observer agrees with the truth", () => {
          clock.advance(timings.gapWaitMs);
          return userIds.every((userId) => alike(observers[at]!.current(userId), truth.get(userId)!));
        });
        const { users: read, complete } = await board.read(userIds);
        expect(complete).toBe(true);
        for (const userId of userIds) expect(shown(read.get(userId)!)).toEqual(truth.get(userId));
        for (const { userId, status } of observers[at]!.told) lastTold[at]!.set(userId, status);
        for (const [userId, status] of lastTold[at]!) expect(status).toBe(truth.get(userId)!.status);
      }
    },
  );
});

type Shown = Pick<UserPresence, "status" | "devices" | "roomIds">;
/** The order of rooms goes by the clock of Redis, which the clock that is moved here knows nothing of. */
const shown = ({ status, devices: on, roomIds }: UserPresence): Shown => ({
  status,
  devices: on,
  roomIds: [...roomIds].sort(),
});
const alike = (presence: UserPresence, truth: Shown) => JSON.stringify(shown(presence)) === JSON.stringify(truth);

/** What really happens, and what it adds up to, worked out in another way than the board does. */
class World {
  readonly #boards: PresenceBoard[];
  readonly #userIds: string[];
  readonly #clock: ManualClock;
  readonly #chance: Chance;
  readonly #open = new Map<string, NewSession & { board: PresenceBoard }>();

  constructor(of: { boards: PresenceBoard[]; userIds: string[]; clock: ManualClock; chance: Chance }) {
    this.#boards = of.boards;
    this.#userIds = of.userIds;
    this.#clock = of.clock;
    this.#chance = of.chance;
  }

  step(): void {
    this.#clock.advance(this.#chance.below(20));
    const any = this.#chance.one([...this.#open.values(), null]);
    if (any === null || (this.#open.size < sessions && this.#chance.next() < 0.45)) this.#openOne();
    else if (this.#chance.next() < 0.5) this.#update(any);
    else this.#close(any);
  }

  /** All that was closed is gone. */
  settle(): void {
    this.#clock.advance(5_000);
  }

  truth(userId: string): Shown {
    const own = [...this.#open.values()].filter((each) => each.userId === userId && each.status !== "OFFLINE");
    const has = (status: PresenceStatus) => own.some((each) => each.status === status);
    const rooms = own.map(({ roomId }) => roomId).filter((roomId) => roomId !== null);
    return {
      status: has("BUSY") ? "BUSY" : has("ONLINE") ? "ONLINE" : has("AWAY") ? "AWAY" : "OFFLINE",
      devices: devices.filter((device) => own.some((each) => each.device === device)),
      roomIds: [...new Set(rooms)].sort(),
    };
  }

  #openOne(): void {
    const board = this.#chance.one(this.#boards);
    const opened = { sessionId: randomUUID(), userId: this.#chance.one(this.#userIds), ...this.#state() };
    expect(board.open(opened)).toBe("opened");
    this.#open.set(opened.sessionId, { ...opened, board });
  }

  #update(session: NewSession & { board: PresenceBoard }): void {
    const state = this.#state();
    expect(session.board.update(session.sessionId, state)).toBe(true);
    Object.assign(session, state);
  }

  #close(session: NewSession & { board: PresenceBoard }): void {
    session.board.close(session.sessionId);
    this.#open.delete(session.sessionId);
  }

  #state(): SessionState {
    return {
      status: this.#chance.one(statuses),
      device: this.#chance.one(devices),
      roomId: this.#chance.one([null, "a", "b", "c"]),
    };
  }
}
