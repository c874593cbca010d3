import type { BenchMessage, RunningContestant } from "./contestant.ts";
import { contentOf } from "./content.ts";
import { monotonicMs } from "./clock.ts";
import { openSubscriber } from "./subscriber.ts";
import type { Subscriber } from "./subscriber.ts";
import { within } from "./within.ts";

const connectDeadlineMs = 120_000;
const connectingAtOnce = 200;
const rehearsalDeadlineMs = 60_000;
const quietTurns = 5;
const quietTurnMs = 50;

/** A message on its way to a room. */
export interface Flight {
  readonly message: BenchMessage;
  /** Undefined until a contestant that says it itself has said it. */
  handedOverMs: number | undefined;
  missing: number;
  /** When it reached each subscriber, if receipts are noted, in the order of arrival. */
  readonly receiptsMs: number[];
}

export interface AudienceOptions {
  contestant: RunningContestant;
  rooms: number;
  subscribers: number;
  selections: number;
}

/**
 * The subscribers of one stage, and the account of what each of them has got. Every delivery is counted; one subscriber in a
 * hundred reads the content too. What is lost, doubled, sent too much or in different order makes the stage fail.
 */
export class Audience implements Disposable {
  readonly size: number;
  /** Called when a message has reached everybody in its room. */
  onReached: (flight: Flight) => void = () => undefined;
  /** Whether the time of each delivery is kept. */
  notesReceipts = false;
  deliveries = 0;
  deliveredBytes = 0;
  lastDeliveryMs = 0;

  #contestant: RunningContestant;
  #rooms: Room[];
  #subscribers: Subscriber[] = [];
  #flights = new Map<number, Flight>();
  #sequence = 0;
  /** Until everybody is known to be subscribed, deliveries are only counted. */
  #rehearsing = true;
  #failure = Promise.withResolvers<never>();
  #stopListening: (() => void) | undefined;

  private constructor({ contestant, rooms, subscribers }: AudienceOptions) {
    this.size = subscribers;
    this.#contestant = contestant;
    this.#rooms = Array.from({ length: rooms }, () => ({ size: 0, flights: [] }));
    // Nobody may be waiting at that moment; the next one who does hears of it.
    this.#failure.promise.catch(() => undefined);
    this.#stopListening = contestant.onHandOver?.((sequence, atMs) => {
      const flight = this.#flights.get(sequence);
      if (flight) flight.handedOverMs = atMs;
    });
  }

  /** Connects everybody and comes back when each has got a message. Throws if the contestant does not manage. */
  static async open(options: AudienceOptions): Promise<Audience> {
    const audience = new Audience(options);
    try {
      await within(`${options.subscribers} subscribers are connected`, connectDeadlineMs, audience.#connect(options));
      await within("everybody has got a message", rehearsalDeadlineMs, audience.#rehearse());
      return audience;
    } catch (cause) {
      audience[Symbol.dispose]();
      throw cause;
    }
  }

  /** Rejects as soon as anything is wrong with a connection or a delivery. Never resolves. */
  get failed(): Promise<never> {
    return this.#failure.promise;
  }

  get rooms(): number {
    return this.#rooms.length;
  }

  /** Sends one message to a room. */
  publish(roomNumber: number): Flight {
    const room = this.#rooms[roomNumber]!;
    const message = this.#nextMessage(roomNumber);
    const handedOverMs = this.#contestant.onHandOver ? undefined : monotonicMs();
    const flight: Flight = { message, handedOverMs, missing: room.size, receiptsMs: [] };
    room.flights.push(flight);
    this.#flights.set(message.sequence, flight);
    void this.#send(message);
    return flight;
  }

  /** Compares what the reading subscribers of each room have read. To be called while nothing is on its way. Throws. */
  check(): void {
    for (const subscriber of this.#subscribers) {
      const expected = this.#rooms[subscriber.room]!.flights;
      if (subscriber.received !== expected.length) {
        throw new Error(`A subscriber got ${subscriber.received} of ${expected.length} messages.`);
      }
      if (subscriber.read && new Set(subscriber.read).size !== expected.length) {
        throw new Error("A subscriber got a message twice, and so missed another.");
      }
    }
    this.#checkOrder();
  }

  [Symbol.dispose](): void {
    this.#stopListening?.();
    for (const subscriber of this.#subscribers) subscriber.leave();
  }

  #checkOrder(): void {
    const orders = new Map<number, string>();
    for (const { room, read } of this.#subscribers) {
      if (!read) continue;
      const order = read.join();
      if ((orders.get(room) ?? order) !== order)
        throw new Error("Two subscribers got one room's messages in different order.");
      orders.set(room, order);
    }
  }

  async #connect({ contestant, rooms, subscribers, selections }: AudienceOptions): Promise<void> {
    let next = 0;
    const connectInTurn = async () => {
      while (next < subscribers) {
        const subscriber = next++;
        const room = subscriber % rooms;
        const selection = Math.floor(subscriber / rooms) % selections;
        this.#rooms[room]!.size += 1;
        const opened = await openSubscriber({
          room,
          port: contestant.port,
          dialogue: contestant.dialogue({ subscriber, room, selection }),
          reads: reads(subscriber, { rooms, subscribers }),
          sourceAddress: sourceAddress(subscriber),
          onDelivery: (who, bytes) => this.#deliver(who, bytes),
          onFailure: (cause) => this.#failure.reject(cause),
        });
        this.#subscribers.push(opened);
      }
    };
    const turns = Array.from({ length: connectingAtOnce }, connectInTurn);
    await Promise.race([Promise.all(turns), this.failed, contestant.server.failed]);
  }

  /** A subscription may become effective some time after it was asked for: sends until one message a room reaches all. */
  async #rehearse(): Promise<void> {
    do {
      await this.#quiet();
      this.deliveries = 0;
      await Promise.all(this.#rooms.map((_, room) => this.#send(this.#nextMessage(room))));
      await this.#quiet();
    } while (this.deliveries !== this.size);
    for (const subscriber of this.#subscribers) subscriber.forget();
    this.deliveries = 0;
    this.deliveredBytes = 0;
    this.#rehearsing = false;
  }

  /** Comes back when the server has been through its event loop several times and nobody got anything meanwhile. */
  async #quiet(): Promise<void> {
    let before: number;
    do {
      before = this.deliveries;
      for (let turn = 0; turn < quietTurns; turn++) {
        await Promise.race([this.#contestant.server.usage(), this.failed]);
        await new Promise((resolve) => setTimeout(resolve, quietTurnMs));
      }
    } while (this.deliveries !== before);
  }

  #nextMessage(room: number): BenchMessage {
    const sequence = this.#sequence++;
    return { room, sequence, content: contentOf(sequence) };
  }

  async #send(message: BenchMessage): Promise<void> {
    await this.#contestant.publish(message).catch((cause: unknown) => {
      this.#failure.reject(new Error("A message was not taken.", { cause }));
    });
  }

  #deliver(subscriber: Subscriber, bytes: number): void {
    this.deliveries += 1;
    this.deliveredBytes += bytes;
    this.lastDeliveryMs = monotonicMs();
    if (this.#rehearsing) return;
    const flight = this.#rooms[subscriber.room]!.flights[subscriber.received - 1];
    if (!flight) {
      this.#failure.reject(new Error(`A subscriber got ${subscriber.received} frames, more than there were messages.`));
      return;
    }
    if (this.notesReceipts) flight.receiptsMs.push(this.lastDeliveryMs);
    flight.missing -= 1;
    if (flight.missing === 0) this.onReached(flight);
  }
}

interface Room {
  size: number;
  /** Every message of the room, in the order of sending, which is that of delivery. */
  flights: Flight[];
}

/** One in a hundred, and at least two in a room, to compare their order: some of one room, or everybody in some rooms. */
function reads(subscriber: number, { rooms, subscribers }: { rooms: number; subscribers: number }): boolean {
  if (rooms > 1) return (subscriber % rooms) % 100 === 0;
  return subscriber % Math.min(100, Math.ceil(subscribers / 2)) === 0;
}

/** A loopback address has some 28,000 ports for clients. */
function sourceAddress(subscriber: number): string {
  return `127.0.0.${1 + Math.floor(subscriber / 20_000)}`;
}
