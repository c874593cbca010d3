import SchemaBuilder from "@pothos/core";
import { unauthenticated } from "../errors.ts";

/** Who asks. */
export interface Viewer {
  id: string;
  name: string;
  avatarUrl: string | null;
}

/** Batched loads; each noun adds its own. */
export interface Loaders {}

/** What mutations and queries call; each noun adds its own. */
export interface Rules {}

/** The WebSocket that an operation came over. */
export interface Connection {
  readonly id: string;
  /** False once its client is gone: an operation that it began may still run. */
  readonly isOpen: boolean;
  /**
   * Goes on with a newer token of the same user; resolves to its end, in milliseconds since 1970.
   * @throws Refusal UNAUTHENTICATED, FORBIDDEN (another user's)
   */
  refresh(token: string): Promise<number>;
}

export interface Context {
  /** Null in an execution that is shared by all who asked alike: a field that needs the viewer is marked `perViewer`. */
  viewer: Viewer | null;
  loaders: Loaders;
  /** Of an operation: what was loaded is forgotten, for a change follows. */
  loadAnew?: () => void;
  rules: Rules;
  /** Null over HTTP. */
  connection: Connection | null;
  /** Told of what a mutation refuses as data. */
  onRefused?: (code: string) => void;
  /** In a shared execution: the newest change of a room's memberships that a load saw. */
  sawMemberRevision?: (revision: number) => void;
}

export const builder = new SchemaBuilder<{
  Context: Context;
  DefaultFieldNullability: false;
  DefaultInputFieldRequiredness: false;
  Scalars: {
    ID: { Input: string; Output: string };
    /** Milliseconds since 1970. */
    DateTime: { Input: number; Output: number };
    HLC: { Input: string; Output: string };
    Cursor: { Input: string; Output: string };
  };
}>({ defaultFieldNullability: false });

/** Marks a field whose value depends on who asks: a selection with one is executed for each viewer. */
export const perViewer = { extensions: { perViewer: true } };

/** @throws Refusal UNAUTHENTICATED; a plain error in a shared execution, where asking for the viewer is a fault of ours */
export function viewerOf(context: Context): Viewer {
  if (context.viewer) return context.viewer;
  if (context.sawMemberRevision) throw new Error("A field that depends on the viewer is not marked perViewer.");
  throw unauthenticated();
}

/** The builder's own types, for helpers that take references. */
export type SchemaTypes = (typeof builder)["$inferSchemaTypes"];
