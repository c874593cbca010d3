import {
  type DocumentNode,
  getOperationAST,
  GraphQLError,
  type GraphQLSchema,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  parse,
  specifiedRules,
  validate,
} from "graphql";
import { LRUCache } from "lru-cache";
import { invalid, queryRefused } from "../errors.ts";
import type { Mask } from "./errors.ts";
import { checkText, createLimits, type Limits, standardLimits } from "./limits.ts";
import { SubscriptionRootRule } from "./subscription-root.ts";

/** What a client asks for, as it came through one of the doors. */
export type OperationRequest = {
  query?: string | null;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
  extensions?: Record<string, unknown> | null;
};

/** Fit to be executed, or what the client is told instead. */
export type Prepared =
  | {
      document: DocumentNode;
      operation: OperationDefinitionNode;
      /** As the limits count it. */
      cost: number;
      errors?: undefined;
    }
  | { errors: readonly GraphQLError[] };

/** The only documents that are let in, by the SHA-256 of their texts. */
export interface AllowedOperations {
  byHash(hash: string): string | undefined;
  has(text: string): boolean;
}

export type Operations = ReturnType<typeof createOperations>;

const maxCachedBytes = 16_000_000;
/** A token, its node and its place, as measured. */
const bytesPerToken = 500;
const maxErrors = 10;

/** Valid. Not `bounded`: whether it is too costly depends on its variables. */
type Known = { document: DocumentNode; bounded: boolean; cost: number };

/**
 * Parses and validates, the same for every door: once when an operation comes, for subscriptions too. Known texts cost a
 * look-up; what was refused is not kept, so it cannot fill the memory.
 */
export function createOperations(options: {
  schema: GraphQLSchema;
  mask: Mask;
  limits?: Limits;
  /** Null: any document. */
  allowed?: AllowedOperations | null;
  introspection?: boolean;
}) {
  const { schema, mask, limits = standardLimits, allowed = null, introspection = true } = options;
  const ownRules = introspection ? [SubscriptionRootRule] : [SubscriptionRootRule, NoSchemaIntrospectionCustomRule];
  const rules = [...specifiedRules, ...ownRules];
  const judge = createLimits({ schema, limits });
  const known = new LRUCache<string, Known>({ maxSize: maxCachedBytes, sizeCalculation: bytesOf });

  function prepare(request: OperationRequest): Prepared {
    try {
      const text = textOf(request);
      const { document, bounded, ...checked } = known.get(text) ?? check(text);
      const cost = bounded ? checked.cost : costOf(document, request);
      const operation = getOperationAST(document, request.operationName);
      if (!operation) throw invalid("No such operation in the document.", ["operationName"]);
      return { document, operation, cost };
    } catch (error) {
      return { errors: error instanceof Mistakes ? error.errors : [mask(error)] };
    }
  }

  function textOf({ query, extensions }: OperationRequest): string {
    const hash = query ? undefined : persistedHash(extensions);
    if (!query && hash === undefined) throw invalid("The request has no query.", ["query"]);
    if (!allowed) {
      if (query) return query;
      // Clients of "automatic persisted queries" know this text, and send the query next.
      throw queryRefused("PersistedQueryNotFound");
    }
    const text = hash === undefined ? query! : allowed.byHash(hash);
    if (text === undefined || !allowed.has(text)) throw queryRefused("The operation is not one of those allowed here.");
    return text;
  }

  function check(text: string): Known {
    checkText(text, limits);
    const document = parseWithin(text, limits.maxTokens);
    const { excess, byPages, cost } = judge(document, null);
    if (excess && !byPages) throw excess;
    const errors = validate(schema, document, rules, { maxErrors });
    if (errors.length > 0) throw new Mistakes(errors.map(mask));
    const checked = { document, bounded: excess === null, cost };
    known.set(text, checked);
    return checked;
  }

  /** With the pages that are asked for now. */
  function costOf(document: DocumentNode, { variables }: OperationRequest): number {
    const { excess, cost } = judge(document, variables ?? {});
    if (excess) throw excess;
    return cost;
  }

  return { prepare };
}

class Mistakes extends Error {
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super("The document is not valid.");
    this.errors = errors;
  }
}

function parseWithin(text: string, maxTokens: number): DocumentNode {
  try {
    return parse(text, { maxTokens });
  } catch (error) {
    if (error instanceof GraphQLError && error.message.includes("Document contains more"))
      throw queryRefused(`The operation has more than ${maxTokens} tokens.`);
    throw error;
  }
}

function bytesOf({ document }: Known, text: string): number {
  let tokens = 0;
  for (let token = document.loc?.startToken; token; token = token.next ?? undefined) tokens += 1;
  return 2 * text.length + tokens * bytesPerToken;
}

function persistedHash(extensions: OperationRequest["extensions"]): string | undefined {
  const persisted = extensions?.persistedQuery as { sha256Hash?: unknown } | null | undefined;
  const hash = persisted?.sha256Hash;
  return typeof hash === "string" ? hash : undefined;
}
