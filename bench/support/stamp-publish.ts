// Loaded with `--import` into a node that sends, beside the probe: tells the bench over IPC the moment at which each of its messages
// is handed to the bus. The product needs no code for it.
import { Redis } from "ioredis";
import { monotonicMs } from "./clock.ts";
import { sequencesIn } from "./content.ts";

/** Sent over IPC before the command is written to Redis. */
export interface HandedOver {
  handedOver: number[];
  atMs: number;
}

const publications = new Set(["publish", "spublish"]);
// oxlint-disable-next-line typescript/unbound-method -- It is called with the caller's `this` below.
const sendCommand = Redis.prototype.sendCommand;

Redis.prototype.sendCommand = function (command, ...rest) {
  if (publications.has(command.name)) {
    const sequences = sequencesIn(String(command.args[1]));
    if (sequences.length > 0) process.send!({ handedOver: sequences, atMs: monotonicMs() } satisfies HandedOver);
  }
  return sendCommand.call(this, command, ...rest);
};
