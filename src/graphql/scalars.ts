import { GraphQLError } from "graphql";
import { builder } from "./builder.ts";

const dateTimePattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** `Date.parse` takes 30 February for the 2nd of March, and 24:00 for the next day. */
function isDateTime(text: string): boolean {
  const day = text.slice(0, 10);
  return dateTimePattern.test(text) && text.slice(11, 13) < "24" && isDay(day);
}

function isDay(day: string): boolean {
  const ms = Date.parse(day);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}

const invalid = (message: string) => new GraphQLError(message, { extensions: { code: "INVALID" } });

builder.scalarType("DateTime", {
  description: "UTC time, ISO 8601 with milliseconds.",
  serialize: (value) => new Date(value).toISOString(),
  parseValue: (value) => {
    const ms = typeof value === "string" && isDateTime(value) ? Date.parse(value) : Number.NaN;
    if (Number.isNaN(ms)) throw invalid("A DateTime is a text such as 2026-01-31T12:00:00.000Z.");
    return ms;
  },
});

builder.scalarType("HLC", {
  description: `A hybrid logical clock reading, as text whose byte order is the clock's order:
12 hex digits of milliseconds, 4 of counter, then the node's name, joined by '-'.`,
  serialize: (value) => value,
  parseValue: textOf("HLC"),
});

builder.scalarType("Cursor", {
  description: `A position in one room's log: \`<room id>.<fixed-width revision>\`. Two cursors of one room compare as their bytes
do; the room is the part before the dot; nothing else may be read from it. A client keeps the newest cursor of
each room, from events, \`CaughtUp\` and \`SyncPage\` alone: that set is its sync state, for the \`kinds\` it asked for.`,
  serialize: (value) => value,
  parseValue: textOf("Cursor"),
});

function textOf(scalar: string) {
  return (value: unknown): string => {
    if (typeof value === "string") return value;
    throw invalid(`${scalar} is a text.`);
  };
}
