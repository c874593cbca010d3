import {
  type GraphQLInputType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  type GraphQLNamedInputType,
} from "graphql";
import type { Choice } from "./choice.ts";

/** What there is to be named: ids, cursors and places that the server gave out. */
export type World = { roomIds: string[]; messageIds: string[]; userIds: string[]; cursors: string[]; places: string[] };

const texts = [
  "",
  " ",
  "a",
  "__proto__",
  "constructor",
  "toString",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\udfff\ud800",
  "💬".repeat(50),
  "\u202e\u0301\ufeff",
  "x".repeat(256),
  "é".repeat(8_001),
  "'; drop table users; --",
  "%",
  "_%\\",
  "${7*7}{{7*7}}",
  "../../etc/passwd",
  "-1",
  "1e309",
  "null",
  "2026-01-31T12:00:00.000Z",
  "2026-13-41T99:99:99Z",
  "+275760-09-13T00:00:00.001Z",
  "0000-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999999999+23:59",
  "00000000-0000-0000-0000-000000000000",
  "00000000-0000-0000-0000-000000000000.0000000000000000",
  "WyJhIiwxXQ",
  Buffer.from('["rooms",null,{"a":[]}]').toString("base64url"),
  Buffer.from('["messages",1e999,"\\u0000"]').toString("base64url"),
];
const numbers = [0, -0, 1, -1, 2, 20, 100, 101, 1e9, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53, 1e308, 0.5, -1e-7];

/** A value that may or may not fit. */
export function anyValue(choice: Choice, world: World, depth = 0): unknown {
  const kind = choice.int(depth > 3 ? 5 : 8);
  if (kind === 0) return choice.of([null, true, false]);
  if (kind === 1) return choice.of(numbers);
  if (kind < 5) return choice.chance(0.5) ? choice.of(texts) : nameOf(choice, world);
  if (kind === 5) return choice.list(4, () => anyValue(choice, world, depth + 1));
  if (kind === 6) return Array.from({ length: choice.of([1, 50, 501, 2_000]) }, () => choice.of(texts).slice(0, 20));
  return Object.fromEntries(choice.list(4, () => [choice.of(texts), anyValue(choice, world, depth + 1)]));
}

function nameOf(choice: Choice, world: World): string {
  const name = choice.of(Object.values(world).flat());
  if (choice.chance(0.8)) return name;
  // Nearly right is what finds out most.
  const at = choice.int(name.length);
  return (
    name.slice(0, at) + choice.of(["", "0", "9", "f", ".", "\u0000", "A", "ff", "%"]) + name.slice(at + choice.int(2))
  );
}

/** A value for an argument or variable of this type, mostly one that fits. */
export function valueFor(type: GraphQLInputType, choice: Choice, world: World, depth = 0): unknown {
  if (choice.chance(0.05)) return anyValue(choice, world);
  if (isNonNullType(type)) return valueFor(type.ofType, choice, world, depth);
  if (choice.chance(0.1)) return null;
  if (isListType(type)) return choice.list(3, () => valueFor(type.ofType, choice, world, depth + 1));
  if (isEnumType(type)) return choice.of(type.getValues()).name;
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter((field) => isNonNullType(field.type) || choice.chance(0.4));
    return Object.fromEntries(fields.map((field) => [field.name, fieldValue(field.name, field.type, choice, world)]));
  }
  return scalarFor(type, choice, world);
}

/** By its name a field tells what it is an id of. */
export function fieldValue(name: string, type: GraphQLInputType, choice: Choice, world: World): unknown {
  if (choice.chance(0.25)) return valueFor(type, choice, world);
  const fitting: Record<string, string[]> = {
    roomId: world.roomIds,
    currentRoomId: world.roomIds,
    userId: world.userIds,
    messageId: world.messageIds,
    replyToId: world.messageIds,
    upToId: world.messageIds,
    messageIds: world.messageIds,
    memberIds: world.userIds,
    userIds: world.userIds,
  };
  const names = fitting[name];
  if (!names || names.length === 0) return valueFor(type, choice, world);
  return name.endsWith("Ids") ? choice.list(4, () => choice.of(names)) : choice.of(names);
}

function scalarFor(type: GraphQLNamedInputType, choice: Choice, world: World): unknown {
  switch (type.name) {
    case "Int":
      return choice.chance(0.7) ? 1 + choice.int(100) : choice.of(numbers);
    case "Float":
      return choice.of(numbers);
    case "Boolean":
      return choice.chance(0.5);
    case "Cursor":
      return choice.chance(0.7) ? choice.of(world.cursors) : nameOf(choice, world);
    case "DateTime":
      return choice.chance(0.5) ? new Date(Date.now() + choice.int(1e9) - 5e8).toISOString() : choice.of(texts);
    default:
      return choice.chance(0.5) ? nameOf(choice, world) : choice.of(texts);
  }
}
