import type { Message } from "../../src/client/room-event.ts";
import { randomOf } from "../support/app.ts";
import { createTestDatabase } from "../support/postgres.ts";
import { startRedis } from "../support/redis.ts";
import { startServerProcess, type ServerProcess } from "../support/server-process.ts";
import { TestUser } from "../support/user.ts";
import { sentOf } from "./support.ts";
import { Device } from "./world-device.ts";

/** A message that somebody wrote. */
export type Written = { userId: string; roomId: string; clientMessageId: string; content: string };

/** How much faster the clients' time runs than the servers'. */
const haste = 8;

/** Two nodes, five users with a device each, and what they do at random. Everything that was written is recorded. */
export async function openWorld(seed: number) {
  const random = randomOf(seed);
  await using resources = new AsyncDisposableStack();
  const database = resources.use(await createTestDatabase());
  const redis = resources.use(await startRedis());
  const nodes: ServerProcess[] = [];
  for (const id of ["a", "b"]) {
    const env = { NODE_ID: id };
    nodes.push(resources.use(await startServerProcess({ databaseUrl: database.url, redisUrl: redis.url, env })));
  }
  const users = ["ann", "ben", "cy", "dot", "eve"];
  const owners = await Promise.all(users.map((id) => TestUser.open(nodes[0]!, id)));
  const rooms = await Promise.all(["Red", "Green", "Blue"].map((name) => owners[0]!.createRoom(name, users.slice(1))));
  rooms.push(await owners[1]!.createRoom("Pair", ["cy"]));
  const devices = users.map((userId) => new Device({ userId, nodes, random, skewMs: (random() - 0.5) * 600_000 }));
  resources.defer(async () => void (await Promise.all(devices.map(({ client }) => client.dispose()))));

  const written: Written[] = [];
  const counts = new Map<string, number>();
  const tasks = new Set<Promise<unknown>>();
  let lastMs = performance.now();

  const pick = <T>(values: readonly T[]): T | undefined => values[Math.floor(random() * values.length)];
  const roomOf = (device: Device, roomId = pick(rooms)!) => device.client.rooms.get(roomId);

  /** Goes on by itself; what it comes to shows in the end. */
  function run(task: Promise<unknown>) {
    const settled = task.then(
      () => undefined,
      // No answer in time, or the page was loaded anew.
      () => undefined,
    );
    tasks.add(settled);
    void settled.then(() => tasks.delete(settled));
  }

  async function write(device: Device) {
    const room = roomOf(device);
    const content = `${device.userId} ${written.length}`;
    const reply = random() < 0.2 ? pick(sentOf(room))?.id : undefined;
    const { clientMessageId } = await room.send({ content, ...(reply !== undefined && { replyToId: reply }) });
    written.push({ userId: device.userId, roomId: room.id, clientMessageId, content });
  }

  function own(device: Device): { messages: Message[]; room: ReturnType<typeof roomOf> } {
    const room = roomOf(device);
    return { room, messages: sentOf(room).filter(({ sender }) => sender.id === device.userId) };
  }

  const actions: Record<string, { weight: number; act: (device: Device) => void | Promise<void> }> = {
    write: { weight: 40, act: write },
    edit: {
      weight: 12,
      act(device) {
        const { room, messages } = own(device);
        const message = pick(messages.slice(-10));
        if (message) run(room.edit(message.id, `${device.userId} edited ${random()}`));
      },
    },
    delete: {
      weight: 4,
      act(device) {
        const { room, messages } = own(device);
        const message = pick(messages.slice(-10));
        if (message) run(room.delete(message.id));
      },
    },
    read: {
      weight: 22,
      act(device) {
        const room = roomOf(device);
        const from = Math.floor(random() * 12);
        for (const { id } of sentOf(room)
          .slice(-12)
          .slice(from, from + 4))
          room.noteRead(id);
      },
    },
    "read all": {
      weight: 2,
      act(device) {
        const room = roomOf(device);
        const last = sentOf(room).at(-1);
        if (last) run(room.markAllRead(last.id));
      },
    },
    "page back": { weight: 3, act: (device) => run(roomOf(device).loadOlder()) },
    "go offline": { weight: 3, act: (device) => device.goOffline() },
    "come back": { weight: 6, act: (device) => device.goOnline() },
    reload: { weight: 3, act: (device) => device.reload() },
    "switch node": { weight: 3, act: (device) => device.switchNode() },
    "remove and bring back": {
      weight: 1,
      async act(device) {
        const owner = owners[0]!;
        if (device.userId === owner.id) return;
        const input = { roomId: rooms[0]!, userId: device.userId };
        const node = nodes.find(({ isRunning }) => isRunning);
        if (node) run(owner.at(node).mutate("removeMember", input));
        if (node && random() < 0.9) run(owner.at(node).mutate("addMember", input));
      },
    },
    "kill a node": {
      weight: 0.4,
      act() {
        // One at a time: it is back before the other one goes.
        if (nodes.some(({ isRunning }) => !isRunning)) return;
        const node = pick(nodes)!;
        run(node.kill().then(() => node.start()));
      },
    },
  };
  const names = Object.keys(actions);
  const total = names.reduce((sum, name) => sum + actions[name]!.weight, 0);

  function draw(): string {
    let left = random() * total;
    return names.find((name) => (left -= actions[name]!.weight) < 0) ?? names[0]!;
  }

  /** Lets the devices' time go on with the servers'. */
  async function tick() {
    await new Promise((resolve) => setTimeout(resolve, 10));
    const elapsedMs = performance.now() - lastMs;
    lastMs += elapsedMs;
    await Promise.all(devices.map(({ clock }) => clock.advance(elapsedMs * haste)));
  }

  const opened = resources.move();
  return {
    devices,
    nodes,
    rooms,
    users,
    written,
    counts,
    databaseUrl: database.url,
    tick,
    /** One random action of one device. */
    async step() {
      const name = draw();
      counts.set(name, (counts.get(name) ?? 0) + 1);
      await actions[name]!.act(pick(devices)!);
      await tick();
    },
    /** Everybody is online, every node runs, and nothing that was begun is under way. */
    async rest() {
      for (const device of devices) device.goOnline();
      for (const node of nodes) if (!node.isRunning) await node.start();
      while (tasks.size > 0) await tick();
      for (const user of users.slice(1)) await owners[0]!.mutate("addMember", { roomId: rooms[0]!, userId: user });
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

export type World = Awaited<ReturnType<typeof openWorld>>;
