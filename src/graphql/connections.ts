import type { InterfaceRef, ObjectRef } from "@pothos/core";
import { invalid } from "../errors.ts";
import { builder, type SchemaTypes } from "./builder.ts";

/** Lists follow the Relay cursor specification. */
export type PageInfo = {
  hasNextPage: boolean;
  hasPreviousPage: boolean;
  startCursor: string | null;
  endCursor: string | null;
};
export type Edge<Node> = { cursor: string; node: Node };
export type Connection<Node> = { edges: Edge<Node>[]; pageInfo: PageInfo };

const maxPageSize = 100;

const PageInfoType = builder.objectRef<PageInfo>("PageInfo").implement({
  fields: (t) => ({
    hasNextPage: t.exposeBoolean("hasNextPage"),
    hasPreviousPage: t.exposeBoolean("hasPreviousPage"),
    startCursor: t.exposeString("startCursor", { nullable: true }),
    endCursor: t.exposeString("endCursor", { nullable: true }),
  }),
});

/** `<Name>Connection` and `<Name>Edge`. */
export function connectionType<Node>(
  name: string,
  node: ObjectRef<SchemaTypes, Node> | InterfaceRef<SchemaTypes, Node>,
): ObjectRef<SchemaTypes, Connection<Node>> {
  const edge = builder.objectRef<Edge<Node>>(`${name}Edge`);
  edge.implement({
    fields: (t) => ({
      cursor: t.exposeString("cursor"),
      node: t.field({ type: node as never, resolve: (parent) => parent.node as never }),
    }),
  });
  const connection = builder.objectRef<Connection<Node>>(`${name}Connection`);
  connection.implement({
    fields: (t) => ({
      edges: t.field({ type: [edge], resolve: (parent) => parent.edges }),
      pageInfo: t.field({ type: PageInfoType, resolve: (parent) => parent.pageInfo }),
    }),
  });
  return connection;
}

/** @throws Refusal INVALID outside 1 to 100 */
export function pageSize(count: number | null | undefined, name: "first" | "last", standard: number): number {
  if (count === null || count === undefined) return standard;
  if (count < 1 || count > maxPageSize) throw invalid(`\`${name}\` is 1 to ${maxPageSize}.`, [name]);
  return count;
}

/** A place in one kind of list. It is no position in a log, and no place in another kind of list. */
export function encodePlace(list: string, place: (string | number)[]): string {
  return Buffer.from(JSON.stringify([list, ...place])).toString("base64url");
}

/** What a part of a place can be, fit for a statement's parameter. Times are milliseconds since 1970. */
const isPart = {
  string: (part: unknown) => typeof part === "string" && part.isWellFormed() && !part.includes("\0"),
  number: (part: unknown) => Number.isSafeInteger(part),
  time: (part: unknown) => Number.isSafeInteger(part) && (part as number) >= 0 && (part as number) <= 8.64e15,
};

/** @throws Refusal INVALID for whatever encodePlace did not make of this kind of list */
export function decodePlace<Place extends (string | number)[]>(
  list: string,
  cursor: string | null | undefined,
  shape: { [Index in keyof Place]: keyof typeof isPart },
  argument = "after",
): Place | null {
  if (cursor === null || cursor === undefined) return null;
  const [name, ...parts] = parsePlace(cursor);
  const kinds: (keyof typeof isPart)[] = shape;
  const fits =
    name === list && parts.length === kinds.length && kinds.every((kind, index) => isPart[kind](parts[index]));
  if (!fits) throw invalid("This is not a cursor of this list.", [argument]);
  return parts as Place;
}

function parsePlace(cursor: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(cursor, "base64url").toString());
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}

/** A page of a list that is read forwards; `nodes` holds one more than a page where there is more. */
export function forwardPage<Node>(
  nodes: Node[],
  options: { size: number; after: boolean; cursorOf: (node: Node) => string },
): Connection<Node> {
  const { size, after, cursorOf } = options;
  const edges = nodes.slice(0, size).map((node) => ({ node, cursor: cursorOf(node) }));
  return connectionOf(edges, { hasNextPage: nodes.length > size, hasPreviousPage: after });
}

export function connectionOf<Node>(
  edges: Edge<Node>[],
  more: { hasNextPage: boolean; hasPreviousPage: boolean },
): Connection<Node> {
  return {
    edges,
    pageInfo: { ...more, startCursor: edges[0]?.cursor ?? null, endCursor: edges.at(-1)?.cursor ?? null },
  };
}
