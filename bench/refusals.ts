/**
 * What it costs to refuse queries that were made to cost much, each of up to 64 KiB, as a multiple of what it costs to
 * parse and validate the largest operation of the client kit: the time of this process's CPU, medians of several rounds.
 *
 *   node bench/refusals.ts [--rounds 7]
 *
 * Ends with 1 where one costs more than 50 times as much.
 */
import { readdir, readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { parse, print, separateOperations, specifiedRules, validate } from "graphql";
import { createErrorMask } from "../src/graphql/errors.ts";
import { createOperations } from "../src/graphql/operations.ts";
import { schema } from "../src/schema.ts";

const maxRatio = 50;
const { values } = parseArgs({ options: { rounds: { type: "string", default: "7" } } });
const rounds = Number(values.rounds);

const largest = await largestOperation();
const mask = createErrorMask((fault) => {
  throw fault;
});
const { prepare } = createOperations({ schema, mask });
const many = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join(" ");
const nested = (count: number, open: string, inner: string, close = "}") =>
  open.repeat(count) + inner + close.repeat(count);

const leaves = ["id", "name", "avatarUrl"];

/** As many tokens as are let in, or as many characters. */
const nasty: Record<string, string> = {
  "wide aliases": `{ ${many(2_900, (i) => `a${i}: viewer { id }`)} }`,
  "as many aliases as are let in": `{ ${many(30, (i) => `a${i}: viewer { id name avatarUrl presence { status } }`)} }`,
  "one field many times": `{ viewer { ${many(985, () => "id")} } }`,
  "one field with fields many times": `{ ${many(245, () => "viewer { id }")} }`,
  "overlapping fields, each with each": `{ ${many(30, () => `viewer { ${many(29, (j) => leaves[j % 3]!)} }`)} }`,
  "overlapping fields with arguments": `{ ${many(100, (i) => `room(id: "${i}") { id }`)} }`,
  "overlapping fields in fragments": `{ ${many(75, (i) => `...F${i}`)} } ${many(75, (i) => `fragment F${i} on Query { viewer { id name } }`)}`,
  "overlapping fields under overlapping fields": `{ viewer { ${many(14, () => "presence { user { id name avatarUrl presence { user { id name avatarUrl } } } }")} } }`,
  "overlapping fragments, each with each": `{ ${many(10, (i) => `...F${i}`)} } ${many(10, (i) => `fragment F${i} on Query { ${many(3, () => `viewer { ${many(25, (j) => leaves[j % 3]!)} }`)} }`)}`,
  "nested fragments, twice each": `{ ...F0 } ${many(90, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`)}`,
  "nested fragments with fields, twice each": `{ ...F0 } ${many(55, (i) => `fragment F${i} on Query { viewer { id } ...F${i + 1} ...F${i + 1} }`)}`,
  "nested fragments under fields, twice each": `{ viewer { ...F0 } } ${many(45, (i) => `fragment F${i} on User { presence { user { ...F${i + 1} ...F${i + 1} } } }`)}`,
  "fragments in a circle": `{ ...F0 } ${many(100, (i) => `fragment F${i} on Query { ...F${(i + 1) % 100} }`)}`,
  "each fragment in each": `{ ...F0 } ${many(20, (i) => `fragment F${i} on Query { ${many(20, (j) => `...F${j}`)} }`)}`,
  "fragments nobody uses": many(140, (i) => `fragment F${i} on User { id }`),
  "many operations": many(190, (i) => `query Q${i} { viewer }`),
  "many operations over one fragment": `${many(100, (i) => `query Q${i} { ...F }`)} fragment F on Query { ${many(60, () => "viewer { id }")} }`,
  "many operations over a chain of fragments": `${many(60, (i) => `query Q${i} { ...F0 }`)} ${many(60, (i) => `fragment F${i} on Query { ...F${i + 1} }`)}`,
  "operations of one name": many(190, () => "query Q { viewer }"),
  "many variables": `query (${many(190, (i) => `$v${i}: Int`)}) { viewer { id } }`,
  "many variables of unknown types": `query (${many(190, (i) => `$v${i}: RoomEventKindd${i}`)}) { viewer { id } }`,
  "variables used over and over": `query ($a: ID!) { ${many(80, (i) => `room(id: $b${i}) { id }`)} }`,
  directives: `{ viewer ${many(490, () => "@nothing")} { id } }`,
  "directives with arguments": `{ viewer { id ${many(140, () => "@skip(if: true)")} } }`,
  "huge list literal": `mutation { createRoom(input: { name: "a", memberIds: [${many(970, () => "1")}] }) { room { id } } }`,
  "huge list literal of wrong values": `mutation { createRoom(input: { name: "a", memberIds: [${many(970, () => "x")}] }) { room { id } } }`,
  "huge object literal": `mutation { createRoom(input: { ${many(320, (i) => `nam${i}: 1`)} }) { room { id } } }`,
  "huge text literal": `mutation { createRoom(input: { name: "${"é".repeat(65_000)}" }) { room { id } } }`,
  "huge block text": `mutation { createRoom(input: { name: """${"  a\n".repeat(1_900)}""" }) { room { id } } }`,
  "huge text for a number": `{ rooms(first: "${"1".repeat(65_000)}") { pageInfo { hasNextPage } } }`,
  "huge number": `{ rooms(first: ${"1".repeat(65_000)}) { pageInfo { hasNextPage } } }`,
  "deep list": `mutation { createRoom(input: { name: "a", memberIds: ${nested(490, "[", "", "]")} }) { room { id } } }`,
  "deep object": `mutation { createRoom(input: ${nested(240, "{ name: ", "1")}) { room { id } } }`,
  "deep list type": `query ($a: ${nested(490, "[", "Int", "]")}) { viewer { id } }`,
  "deep fields": `{ ${nested(320, "viewer { ", "id")} }`,
  "deep inline fragments": `{ ${nested(320, "... { ", "viewer { id }")} }`,
  "unknown fields": `{ viewer { ${many(985, (i) => `nam${i}`)} } }`,
  "unknown arguments": `{ room(${many(320, (i) => `i${i}: 1`)}) { id } }`,
  "one long name": `{ ${"a".repeat(65_000)} }`,
  "several long names": `{ viewer { ${many(9, (i) => `i${i}${"d".repeat(7_000)}`)} } }`,
  "long names that are let in": `{ viewer { ${many(600, (i) => `i${i}${"d".repeat(90)}`)} } }`,
  "long enum values": `subscription { roomEvents(roomId: "1", kinds: [${many(9, (i) => `A${i}${"B".repeat(7_000)}`)}]) { __typename } }`,
  "many lines": `${"\n".repeat(65_000)}{ nothing }`,
  "as many lines as are let in": `${"\n".repeat(1_990)}{ viewer { ${many(900, (i) => `n${i}`)} } }`,
  "many lines of comments": `${"#\r\n".repeat(20_000)}{ viewer { id } }`,
  "one comment": `#${"a".repeat(65_000)}\n{ nothing }`,
  spaces: `{${" ".repeat(65_000)}nothing }`,
  commas: `{ viewer { id${",".repeat(65_000)} nothing } }`,
  braces: "{".repeat(65_000),
  brackets: "[".repeat(65_000),
  quotes: '"'.repeat(65_000),
  "half a text, quotes escaped": `{ a(b: "${'\\"'.repeat(32_000)}`,
  "introspection of everything, over and over": `{ __schema { ...T } } ${many(1, () => "fragment T on __Schema { types { fields { type { fields { type { fields { type { name } } } } } } } }")}`,
  "introspection with aliases": `{ ${many(30, (i) => `a${i}: __schema { types { name fields { name } } }`)} }`,
  "pages of pages of pages": `{ rooms(first: 100) { edges { node { messages(last: 100) { edges { node { readBy(first: 100) { edges { node { id } } } } } } } } } }`,
  "type definitions": many(160, (i) => `type A${i} { b: Int }`),
  "a subscription to everything": `subscription { ${many(30, () => "inbox { __typename }")} }`,
  "another script": "💬".repeat(32_000),
};

console.log(`the largest operation: ${largest.name}, ${largest.text.length} characters; Node ${process.version}`);
const costs = new Map<string, number[]>(Object.keys(nasty).map((name) => [name, []]));
let serial = 0;
for (let round = -2; round < rounds; round++) {
  const unit = cpuMs(() => void validate(schema, parse(largest.text), specifiedRules), 50);
  for (const [name, text] of Object.entries(nasty)) {
    if (text.length > 65_500) throw new Error(`${name} is longer than 64 KiB.`);
    const costMs = cpuMs(() => {
      // Never the same text twice: what is let in is kept.
      const prepared = prepare({ query: `${text} #${(serial += 1)}` });
      if (prepared.errors) JSON.stringify(prepared.errors);
    }, 3);
    // The first rounds are for the compiler.
    if (round >= 0) costs.get(name)!.push(costMs / unit);
  }
}
const medians = [...costs].map(([name, ratios]) => ({ name, ratio: median(ratios), outcome: outcomeOf(nasty[name]!) }));
medians.sort((a, b) => b.ratio - a.ratio);
for (const { name, ratio, outcome } of medians)
  console.log(`${ratio.toFixed(1).padStart(7)} ×  ${name.padEnd(46)} ${outcome}`);
const worst = medians[0]!;
console.log(`\nworst: ${worst.ratio.toFixed(1)} × (${worst.name}); at most ${maxRatio} × of ${rounds} rounds' median`);
if (worst.ratio > maxRatio) process.exitCode = 1;

function outcomeOf(query: string): string {
  const prepared = prepare({ query });
  if (!prepared.errors) return "let in";
  return `${String(prepared.errors[0]!.extensions.code)}: ${prepared.errors[0]!.message.slice(0, 60)}`;
}

async function largestOperation(): Promise<{ name: string; text: string }> {
  const folder = new URL("../src/client/operations/", import.meta.url);
  const texts = await Promise.all((await readdir(folder)).map((name) => readFile(new URL(name, folder), "utf8")));
  const operations = Object.entries(separateOperations(parse(texts.join("\n"))));
  const printed = operations.map(([name, document]) => ({ name, text: print(document) }));
  return printed.reduce((large, one) => (one.text.length > large.text.length ? one : large));
}

function cpuMs(work: () => void, times: number): number {
  const before = process.cpuUsage();
  for (let time = 0; time < times; time++) work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000 / times;
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}
