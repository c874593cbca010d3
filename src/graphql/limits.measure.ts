import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type FragmentSpreadNode,
  getNamedType,
  getNullableType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  type InlineFragmentNode,
  introspectionTypes,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type NamedTypeNode,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from "graphql";

export type Variables = Readonly<Record<string, unknown>>;

export type Measured = {
  operation: OperationDefinitionNode;
  depth: number;
  introspectionDepth: number;
  aliasedIntrospection: boolean;
  /** Values that may be resolved: each field once for each item of the lists that it is in. */
  cost: number;
  /** Other variables might have given another cost. */
  sizedByVariables: boolean;
};

type Type = GraphQLNamedType | undefined;
type Field = GraphQLField<unknown, unknown>;
type Size = { depth: number; introspectionDepth: number; cost: number };

const largestPage = 100;
const standardPage = 50;
/** Items of a list that is not paged, of which an operation asks little. */
const listItems = 10;
/** What an operation may ask of the items of all such lists together; beyond, each item counts that there may be. */
const littleOfItems = 20;
/** What a change costs beside what is selected of its outcome. */
const mutationCost = 100;
/** Which of them does not matter: all count alike. */
const introspectionType = introspectionTypes.find(({ name }) => name === "__Type");
const nothing: Size = { depth: 0, introspectionDepth: 0, cost: 0 };

/**
 * Measures each operation of a document, which need not be valid: a fragment is measured once, however often it is
 * spread. Without variables each page that is asked for by a variable counts as the largest.
 */
export function createMeasure(
  schema: GraphQLSchema,
  given: { fieldCosts: Readonly<Record<string, number>>; listSizes: Readonly<Record<string, number>> },
) {
  const pages = pageTypesOf(schema);
  const costs = costsOf(schema, given.fieldCosts);
  const listSizes = byField(schema, given.listSizes);

  return function measure(document: DocumentNode, variables: Variables | null): Measured[] {
    const fragments = new Map<string, FragmentDefinitionNode>();
    for (const node of document.definitions) {
      if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node);
    }
    return document.definitions
      .filter((node) => node.kind === Kind.OPERATION_DEFINITION)
      .map((operation) =>
        new Measurement({ schema, pages, costs, listSizes, fragments, operation, variables }).measured(),
      );
  };
}

/** Types of which a field gives one page: a list in them has as many items as that was asked for. */
function pageTypesOf(schema: GraphQLSchema): ReadonlySet<GraphQLNamedType> {
  const pages = new Set<GraphQLNamedType>();
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) && !isInterfaceType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      if (pageArguments(field).length > 0) pages.add(getNamedType(field.type));
    }
  }
  return pages;
}

/** What a value of these fields costs, where it is not 1. */
function costsOf(schema: GraphQLSchema, fieldCosts: Readonly<Record<string, number>>): ReadonlyMap<Field, number> {
  const costs = byField(schema, fieldCosts);
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) costs.set(field, mutationCost);
  return costs;
}

function byField(schema: GraphQLSchema, numbers: Readonly<Record<string, number>>): Map<Field, number> {
  const found = new Map<Field, number>();
  for (const [place, number] of Object.entries(numbers)) {
    const [typeName, name] = place.split(".") as [string, string];
    const type = schema.getType(typeName);
    const field = isObjectType(type) ? type.getFields()[name] : undefined;
    if (field) found.set(field, number);
  }
  return found;
}

const pageArguments = ({ args }: Field) => args.filter(({ name }) => name === "first" || name === "last");

type Task = {
  schema: GraphQLSchema;
  pages: ReadonlySet<GraphQLNamedType>;
  costs: ReadonlyMap<Field, number>;
  listSizes: ReadonlyMap<Field, number>;
  fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  operation: OperationDefinitionNode;
  variables: Variables | null;
};

class Measurement {
  readonly #task: Task;
  readonly #known = new Map<FragmentDefinitionNode, Size>();
  #aliasedIntrospection = false;
  #sizedByVariables = false;
  #littleLeft = littleOfItems;

  constructor(task: Task) {
    this.#task = task;
  }

  measured(): Measured {
    const { schema, operation } = this.#task;
    const size = this.#selections(operation.selectionSet, schema.getRootType(operation.operation) ?? undefined);
    return {
      operation,
      ...size,
      aliasedIntrospection: this.#aliasedIntrospection,
      sizedByVariables: this.#sizedByVariables,
    };
  }

  #selections({ selections }: SelectionSetNode, type: Type): Size {
    const sum = { ...nothing };
    const byType = new Map<Type, number>();
    for (const selection of selections) {
      const size = this.#selection(selection, type);
      sum.depth = Math.max(sum.depth, size.depth);
      sum.introspectionDepth = Math.max(sum.introspectionDepth, size.introspectionDepth);
      const only = selection.kind === Kind.FIELD ? undefined : this.#conditionOf(selection);
      if (isObjectType(only) && only !== type) byType.set(only, (byType.get(only) ?? 0) + size.cost);
      else sum.cost += size.cost;
    }
    // A value is of one of them.
    sum.cost += Math.max(0, ...byType.values());
    return sum;
  }

  #selection(selection: SelectionNode, type: Type): Size {
    if (selection.kind === Kind.FIELD) return this.#field(selection, type);
    if (selection.kind === Kind.FRAGMENT_SPREAD) return this.#fragment(selection.name.value);
    return this.#selections(selection.selectionSet, this.#typeOf(selection.typeCondition) ?? type);
  }

  #conditionOf(selection: FragmentSpreadNode | InlineFragmentNode): Type {
    const { fragments } = this.#task;
    const { typeCondition } =
      selection.kind === Kind.INLINE_FRAGMENT ? selection : (fragments.get(selection.name.value) ?? {});
    return this.#typeOf(typeCondition);
  }

  #fragment(name: string): Size {
    const fragment = this.#task.fragments.get(name);
    if (!fragment) return nothing;
    let size = this.#known.get(fragment);
    if (size) return size;
    // Counts as nothing within itself: graphql's own rules refuse the circle.
    this.#known.set(fragment, nothing);
    size = this.#selections(fragment.selectionSet, this.#typeOf(fragment.typeCondition));
    this.#known.set(fragment, size);
    return size;
  }

  #field(node: FieldNode, parent: Type): Size {
    const name = node.name.value;
    if (name === "__typename") return nothing;
    const isIntrospection = name === "__schema" || name === "__type" || parent?.name.startsWith("__");
    if (isIntrospection) return this.#introspection(node);
    const field = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
    const own = (field && this.#task.costs.get(field)) ?? 1;
    if (!node.selectionSet) return { depth: 1, introspectionDepth: 0, cost: own };
    const inner = this.#selections(node.selectionSet, field && getNamedType(field.type));
    return {
      depth: 1 + inner.depth,
      introspectionDepth: inner.introspectionDepth,
      cost: own + inner.cost * (field ? this.#items(node, field, { parent, itemCost: inner.cost }) : 1),
    };
  }

  /** Costs nothing: it asks no database, and neither aliases nor depth (graphql has a rule for it) make it large. */
  #introspection(node: FieldNode): Size {
    if (node.alias) this.#aliasedIntrospection = true;
    const inner = node.selectionSet ? this.#selections(node.selectionSet, introspectionType) : nothing;
    return { depth: 0, introspectionDepth: 1 + inner.introspectionDepth, cost: 0 };
  }

  /** How many items the fields of this one may be resolved for. */
  #items(node: FieldNode, field: Field, { parent, itemCost }: { parent: Type; itemCost: number }): number {
    const asked = pageArguments(field);
    if (asked.length > 0) {
      const sizes = asked.flatMap((argument) => this.#pageSize(node, argument) ?? []);
      return sizes.length === 0 ? standardPage : Math.max(...sizes);
    }
    if (!isListType(getNullableType(field.type))) return 1;
    if (parent && this.#task.pages.has(parent)) return 1;
    if (itemCost > this.#littleLeft) return this.#listSize(node, field);
    this.#littleLeft -= itemCost;
    return listItems;
  }

  /** As many as are asked for one by one; where none are, as there may be. */
  #listSize(node: FieldNode, field: Field): number {
    const largest = this.#task.listSizes.get(field) ?? listItems;
    const asked = node.arguments?.find(({ name }) => name.value === "userIds")?.value;
    if (asked?.kind === Kind.LIST) return Math.min(asked.values.length, largest);
    if (asked?.kind !== Kind.VARIABLE) return largest;
    this.#sizedByVariables = true;
    const { variables } = this.#task;
    const name = asked.name.value;
    const given = variables !== null && Object.hasOwn(variables, name) ? variables[name] : null;
    return Array.isArray(given) ? Math.min(given.length, largest) : largest;
  }

  /** Null where the operation leaves it to the server. */
  #pageSize(node: FieldNode, argument: GraphQLArgument): number | null {
    const value = node.arguments?.find(({ name }) => name.value === argument.name)?.value;
    if (value?.kind === Kind.VARIABLE) return this.#variablePageSize(value.name.value);
    if (value?.kind === Kind.INT) return within(Number(value.value));
    return typeof argument.defaultValue === "number" ? argument.defaultValue : null;
  }

  #variablePageSize(name: string): number | null {
    const { variables, operation } = this.#task;
    this.#sizedByVariables = true;
    if (variables === null) return largestPage;
    const given = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (given === null) return null;
    if (given !== undefined) return typeof given === "number" ? within(given) : largestPage;
    const definition = operation.variableDefinitions?.find(({ variable }) => variable.name.value === name);
    return definition?.defaultValue?.kind === Kind.INT ? within(Number(definition.defaultValue.value)) : null;
  }

  #typeOf(condition: NamedTypeNode | undefined): Type {
    return condition && this.#task.schema.getType(condition.name.value);
  }
}

/** Larger ones are refused when they are resolved. */
const within = (size: number) => Math.min(Math.max(size, 1), largestPage);
