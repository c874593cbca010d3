import { execute, type ExecutionArgs, type GraphQLError, Kind, type OperationDefinitionNode } from "graphql";
import { Refusal } from "../errors.ts";
import type { Context } from "../graphql/builder.ts";
import type { OperationRequest, Operations } from "../graphql/operations.ts";
import { RequestRecord, type Requests } from "./requests.ts";
import { leastCost, type Shares } from "./shares.ts";
import { SocketSink, type SinkSocket } from "./socket-sink.ts";
import type { Subscribe } from "./subscribe.ts";
import { Turns } from "./turns.ts";
import { untilAbandoned } from "./until-abandoned.ts";

/** What the operations of a door's sockets have in common. */
export type OperationsDoor = {
  readonly operations: Operations;
  readonly subscribe: Subscribe;
  readonly schema: ExecutionArgs["schema"];
  readonly maxSubscriptionsPerSocket: number;
  readonly requests: Requests;
  /** What may run of one user's at a time, over all sockets. */
  readonly shares: Shares;
};

/** The socket that operations come from. */
export interface OperatingSocket extends SinkSocket {
  /** Of the request that it came with. */
  readonly requestId: string;
  /** Of whoever is at its other end. */
  readonly userId: string;
  /** @throws Refusal UNAUTHENTICATED */
  newContext(): Context;
  /** An operation has ended, or has become an open subscription. */
  settled(): void;
}

/** What `prepare` gives to `execute` and `subscribe`, by way of graphql-ws. */
export type SocketArgs = ExecutionArgs & {
  readonly owner: SocketOperations;
  readonly operation: OperationDefinitionNode;
  readonly id: string;
  /** As the query's limits count it. */
  readonly cost: number;
  readonly own: Running;
};

/** An operation from its `subscribe` message to its end. */
type Running = {
  cost: number;
  isSubscription: boolean;
  /** The client wants no more of it. */
  isAbandoned: boolean;
  sink: SocketSink | null;
  /** Messages for the next operation of the same id, which begins once this one has ended. */
  next: unknown[] | null;
  readonly record: RequestRecord;
};

/** The operations of one socket: their order, their number, and the reuse of their ids. */
export class SocketOperations {
  readonly #door: OperationsDoor;
  readonly #socket: OperatingSocket;
  readonly #byId = new Map<string, Running>();
  #turns: Turns | undefined;
  #begun = 0;
  #subscriptions = 0;
  #costOfRunning = 0;

  constructor(door: OperationsDoor, socket: OperatingSocket) {
    this.#door = door;
    this.#socket = socket;
  }

  /** Of those that run, are being opened, or wait for their turn, as the query's limits count it. */
  get costOfRunning(): number {
    return this.#costOfRunning;
  }

  /**
   * Whether a message has to wait: graphql-ws forgets an operation only when it has ended, so it would take one that uses
   * the id again at once for the old one, and would give it the old one's responses.
   */
  holdBack(id: string, message: unknown): boolean {
    const running = this.#byId.get(id);
    if (!running?.isAbandoned) return false;
    (running.next ??= []).push(message);
    this.#costOfRunning += leastCost;
    return true;
  }

  /** The client wants no more of it: nothing more is written for it, from now on. */
  abandon(id: string): void {
    const running = this.#byId.get(id);
    if (!running) return;
    running.isAbandoned = true;
    this.#discount(running);
    running.sink?.close();
  }

  /** What is executed for a `subscribe` message, or what is wrong with it. Thrown, it would close the socket for good. */
  prepare(id: string, request: OperationRequest): SocketArgs | readonly GraphQLError[] {
    const record = new RequestRecord(`${this.#socket.requestId}.${(this.#begun += 1)}`, "websocket");
    const own: Running = { cost: 0, isSubscription: false, isAbandoned: false, sink: null, next: null, record };
    this.#byId.set(id, own);
    this.#charge(own, leastCost);
    try {
      const contextValue = this.#socket.newContext();
      record.userId = contextValue.viewer?.id;
      contextValue.onRefused = (code) => record.refused(code);
      const prepared = this.#door.operations.prepare(request);
      if (prepared.errors) return prepared.errors;
      record.prepared(prepared.operation);
      this.#charge(own, Math.max(prepared.cost, leastCost));
      if (prepared.operation.operation === "subscription") this.#count(own);
      return {
        schema: this.#door.schema,
        document: prepared.document,
        operation: prepared.operation,
        operationName: request.operationName,
        variableValues: request.variables,
        contextValue,
        owner: this,
        id,
        cost: prepared.cost,
        own,
      };
    } catch (error) {
      return [this.#socket.mask(error)];
    }
  }

  #count(own: Running): void {
    const max = this.#door.maxSubscriptionsPerSocket;
    if (this.#subscriptions >= max) throw new Refusal("RATE_LIMITED", `A socket has at most ${max} subscriptions.`);
    own.isSubscription = true;
    this.#subscriptions += 1;
  }

  /** Once it has ended, or the client wants no more of it. */
  #discount(own: Running): void {
    if (own.isSubscription) this.#subscriptions -= 1;
    own.isSubscription = false;
  }

  #charge(own: Running, cost: number): void {
    this.#costOfRunning += cost - own.cost;
    own.cost = cost;
  }

  execute(args: SocketArgs) {
    const { operation } = args;
    if (operation.operation === "mutation")
      return (this.#turns ??= new Turns()).take(isSend(operation), () => args.own.record.within(() => execute(args)));
    return this.#inTurn(args, () => args.own.record.within(() => execute(args)));
  }

  /** Where the user has as much running as may be, once it is its turn. Changes are no part of it: they have rates. */
  async #inTurn<Result>({ own, cost }: SocketArgs, run: () => Result | Promise<Result>) {
    const giveBack = await this.#door.shares.take(this.#socket.userId, cost, { isPatient: true });
    try {
      return own.isAbandoned ? {} : await run();
    } finally {
      giveBack();
    }
  }

  async subscribe(args: SocketArgs) {
    const { own, id } = args;
    const openSink = () => {
      own.sink = new SocketSink(id, this.#socket);
      if (own.isAbandoned) own.sink.close();
      return own.sink;
    };
    const result = await this.#inTurn(args, () => this.#door.subscribe(args, { cost: args.cost, openSink }));
    if (!(Symbol.asyncIterator in result)) return result;
    own.record.endSpan();
    this.#charge(own, 0);
    this.#socket.settled();
    if (!own.sink) return untilAbandoned(result, own);
    // The hub has what it needs, and the subscription may stay for days.
    args.contextValue = undefined;
    args.variableValues = undefined;
    return result;
  }

  /** The operation has ended. Returns the messages that waited for its id, in their order. */
  end(id: string): readonly unknown[] {
    const running = this.#byId.get(id);
    if (!running) return [];
    this.#byId.delete(id);
    this.#discount(running);
    if (running.sink?.failure) running.record.failed(running.sink.failure);
    this.#door.requests.ended(running.record);
    this.#charge(running, 0);
    this.#costOfRunning -= leastCost * (running.next?.length ?? 0);
    this.#socket.settled();
    return running.next ?? [];
  }

  /** What the client is told of an operation's errors. */
  told(id: string, errors: readonly unknown[]): GraphQLError[] {
    const told = errors.map((error) => this.#socket.mask(error));
    if (told[0]) this.#byId.get(id)?.record.failed(told[0]);
    return told;
  }

  /** The client is gone. */
  close(): void {
    for (const running of this.#byId.values()) {
      running.isAbandoned = true;
      running.next = null;
      running.sink?.close();
    }
  }
}

/** The room log keeps the order of sends that arrive one after the other. */
function isSend({ selectionSet }: OperationDefinitionNode): boolean {
  return selectionSet.selections.every(
    (selection) => selection.kind === Kind.FIELD && selection.name.value === "sendMessage",
  );
}
