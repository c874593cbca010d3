/**
 * What one insert into the client kit's message buffer costs, in random order, as the buffer grows, and what it costs to
 * read the list after a change. Run: node bench/message-buffer.ts
 */
import { performance } from "node:perf_hooks";
import { OrderedMessageBuffer } from "../src/client/ordered-message-buffer.ts";

const sizes = [1_000, 10_000, 100_000];
const rounds = 7;
const roomId = "01890c7e-2f3a-7cde-8b1f-0123456789ab";

function shuffled(count: number) {
  const positions = Array.from({ length: count }, (_, index) => index + 1);
  let seed = 42;
  for (let index = count - 1; index > 0; index--) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const other = seed % (index + 1);
    [positions[index], positions[other]] = [positions[other]!, positions[index]!];
  }
  const messages = positions.map((position) => {
    const cursor = `${roomId}.${String(position).padStart(16, "0")}`;
    return { id: `m${position}`, clientMessageId: `c${position}`, position: cursor, version: cursor };
  });
  // As they come from the network: texts of their own, not joined when they are first compared.
  return JSON.parse(JSON.stringify(messages)) as typeof messages;
}

function fill(messages: ReturnType<typeof shuffled>) {
  const buffer = new OrderedMessageBuffer<(typeof messages)[number]>({ isOwn: () => false, maxMessages: 1_000_000 });
  for (const message of messages) buffer.put(message);
  return buffer;
}

/** The least of several rounds: what the work costs where nothing else disturbs it. */
function leastMs(work: () => void): number {
  const timesMs = Array.from({ length: rounds }, () => {
    const startMs = performance.now();
    work();
    return performance.now() - startMs;
  });
  return Math.min(...timesMs);
}

console.log("messages   log2(n)   µs an insert   µs more for each doubling   µs to read the list");
let before: { size: number; insertUs: number } | undefined;
for (const size of sizes) {
  const messages = shuffled(size);
  const batches = Math.max(1, Math.round(10_000 / size));
  const insertUs = (leastMs(() => Array.from({ length: batches }, () => fill(messages))) * 1_000) / (size * batches);
  const buffer = fill(messages);
  if (buffer.messages.get().length !== size) throw new Error("The buffer lost messages.");
  const readUs = leastMs(() => {
    buffer.setOptimistic([]);
    buffer.messages.get();
  });
  const growthUs = before && (insertUs - before.insertUs) / Math.log2(size / before.size);
  const columns = [
    String(size).padEnd(11),
    Math.log2(size).toFixed(1).padEnd(10),
    insertUs.toFixed(2).padEnd(15),
    (growthUs?.toFixed(2) ?? "").padEnd(28),
    (readUs * 1_000).toFixed(1),
  ];
  console.log(columns.join(""));
  before = { size, insertUs };
}
