import { tokenOf } from "../support/app.ts";
import { until } from "../support/until.ts";
import { TestUser } from "../support/user.ts";
import { RecordingClient } from "./recording-client.ts";

const writesPerSecond = 40;
const changeEveryMs = 700;
const answerWithinMs = 5_000;
const owner = "owner";

/** 30 users who write to each other in rooms, and an owner who lets people in and out of them all the while. */
export class Chat implements AsyncDisposable {
  readonly clients: RecordingClient[];
  readonly rooms: readonly string[];
  /** Changes of members that the owner was told are done. */
  memberChanges = 0;
  readonly #url: string;
  readonly #random: () => number;
  #timers: NodeJS.Timeout[] = [];
  #under = new Set<Promise<void>>();
  #written = 0;

  private constructor(options: { url: string; random: () => number; clients: RecordingClient[]; rooms: string[] }) {
    this.#url = options.url;
    this.#random = options.random;
    this.clients = options.clients;
    this.rooms = options.rooms;
  }

  /** `url` is where clients connect. */
  static async open({ url, random, users = 30 }: { url: string; random: () => number; users?: number }): Promise<Chat> {
    const ids = Array.from({ length: users }, (_, index) => `user-${String(index).padStart(2, "0")}`);
    const host = await TestUser.open({ url }, owner);
    await Promise.all(ids.map((id) => TestUser.open({ url }, id)));
    const groups = [ids, ...[0, 1, 2].map((room) => ids.filter((_, index) => index % 3 !== room))];
    const rooms = await Promise.all(groups.map((members, index) => host.createRoom(`Room ${index}`, members)));
    const clients = ids.map((userId) => {
      const own = rooms.filter((_, index) => groups[index]!.includes(userId));
      return new RecordingClient({ url, userId, rooms: own });
    });
    return new Chat({ url, random, clients, rooms });
  }

  start(): void {
    this.#timers = [
      setInterval(() => this.#run(this.#write()), 1_000 / writesPerSecond),
      setInterval(() => this.#run(this.#changeMember()), changeEveryMs),
    ];
  }

  /** Every client writes something; comes back when all of it was acknowledged, or refused to one who was removed. */
  async allWrite(withinMs: number): Promise<void> {
    const written = await Promise.all(
      this.clients.map(async (client) => ({ client, sent: await this.#writeBy(client) })),
    );
    const isDone = ({ client, sent }: (typeof written)[number]) =>
      sent === undefined || client.recording.isSettled(sent.clientMessageId);
    await until("everybody could send something", () => written.every(isDone), withinMs);
  }

  /** Comes back when nothing that was begun is under way but what clients wait to send. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await Promise.all(this.#under);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await Promise.all(this.clients.map((client) => client[Symbol.asyncDispose]()));
  }

  #run(work: Promise<void>) {
    // A fault under way may keep it from being done: the records tell what became of it.
    const settled = work.catch(() => undefined);
    this.#under.add(settled);
    void settled.then(() => this.#under.delete(settled));
  }

  #pick<Value>(values: readonly Value[]): Value | undefined {
    return values[Math.floor(this.#random() * values.length)];
  }

  async #write() {
    await this.#writeBy(this.#pick(this.clients)!);
  }

  /** In one of the rooms that the client's user is in. */
  async #writeBy(client: RecordingClient) {
    const roomId = this.#pick([...client.recording.rooms].filter((room) => this.rooms.includes(room)));
    this.#written += 1;
    if (roomId === undefined) return undefined;
    return client.write(roomId, `${client.userId} wrote ${this.#written}`);
  }

  /** Of every second user: the others are there all the time. */
  async #changeMember() {
    const client = this.#pick(this.clients.filter((_, index) => index % 2 === 1))!;
    const roomId = this.#pick(this.rooms)!;
    const name = client.recording.rooms.has(roomId) ? "removeMember" : "addMember";
    const type = name === "removeMember" ? "RemoveMemberInput" : "AddMemberInput";
    const query = `mutation ($input: ${type}!) { ${name}(input: $input) { userErrors { code } } }`;
    const response = await fetch(`${this.#url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${await tokenOf(owner)}` },
      body: JSON.stringify({ query, variables: { input: { roomId, userId: client.userId } } }),
      signal: AbortSignal.timeout(answerWithinMs),
    });
    const { data } = (await response.json()) as { data?: Record<string, { userErrors: unknown[] }> };
    if (data?.[name]?.userErrors.length === 0) this.memberChanges += 1;
  }
}
