import type { Dialogue } from "./dialogues.ts";
import type { Program } from "./processes.ts";

/** One server in the bench. To add one, write a file with such an object and list it in fanout.contestants.ts. */
export interface Contestant {
  readonly name: string;
  /** Whether its clients choose fields: only then does it take part where subscribers differ in that. */
  readonly selects: boolean;
  /** Starts everything that it needs but Redis, which is there, empty, and its own for this stage. */
  start(stage: Stage): Promise<RunningContestant>;
}

export interface Stage {
  redisUrl: string;
  /** Rooms are numbered from 0. */
  rooms: number;
  /** Subscribers are numbered from 0; each is in exactly one room. */
  subscribers: number;
}

/** Disposed at the end of the stage, whether it went well or not, after its subscribers have left. */
export interface RunningContestant extends AsyncDisposable {
  /** The process that fans out, alone on the server's core. Its CPU time and memory are the figures. */
  readonly server: Program;
  readonly port: number;
  /** How this subscriber connects. Sharing one dialogue among many is welcome. */
  dialogue(subscriber: SubscriberPlace): Dialogue;
  /**
   * Sends one message, by way of Redis. It must reach each subscriber of the room in a frame of 126 bytes or more that has
   * the content in it. Rejects if it was not taken.
   */
  publish(message: BenchMessage): Promise<unknown>;
  /**
   * For a contestant that commits before it publishes: says when each message was handed to Redis, in the time of
   * `monotonicMs`. Without it the time of the call of `publish` counts. Returns how to stop.
   */
  onHandOver?(listener: (sequence: number, atMs: number) => void): () => void;
}

export interface SubscriberPlace {
  subscriber: number;
  room: number;
  /** Which of the `selections`. */
  selection: number;
}

export interface BenchMessage {
  room: number;
  /** Unique in the stage. */
  sequence: number;
  /** Made by `contentOf(sequence)`; to be sent as it is. */
  content: string;
}

const chosenFields = [
  // The usual one: where all subscribers are alike, it is this.
  "... on MessageSent { cursor message { id content sentAt sender { id name } } }",
  "... on MessageSent { cursor message { id content hlc sender { name } } }",
  "... on MessageSent { cursor message { id content position version sender { id } } }",
  "... on MessageSent { message { id content sentAt editedAt } }",
  "__typename ... on MessageSent { cursor message { clientMessageId content sentAt sender { id name avatarUrl } } }",
];

/** Subscriptions to one room that differ in their fields, for contestants that select. */
export const selections = chosenFields.map(
  (fields) => `subscription Feed($roomId: ID!) { roomEvents(roomId: $roomId) { ${fields} } }`,
);
