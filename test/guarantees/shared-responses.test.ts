import {
  getNamedType,
  getNullableType,
  type GraphQLField,
  type GraphQLObjectType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  isUnionType,
} from "graphql";
import { afterAll, beforeAll, expect, test } from "vitest";
import { schema } from "../../src/schema.ts";
import { startTestApp, tokenOf, type TestApp } from "../support/app.ts";
import { RawSocket } from "../support/raw-socket.ts";
import { TestUser } from "../support/user.ts";

// An event is executed once for all who ask alike, without a viewer. Whatever that gives must be what each of them would get
// of an execution of their own: else somebody sees what another may see, or not what they may see themselves.

/** Of objects in one another. */
const maxDepth = 4;
const pathsAtOnce = 60;

const argumentsOf: Record<string, string> = { members: "(first: 2)", messages: "(last: 2)", readBy: "(first: 2)" };
/** What it reads of the viewer makes a response each viewer's own. */
const own = "own: room { membership { id } }";

type Path = { type: string; text: string; perViewer: boolean };

/** All leaves that can be asked for of an event, each by the fields that lead to it. */
function pathsOf(type: GraphQLObjectType, within: readonly GraphQLObjectType[] = []): Omit<Path, "type">[] {
  return Object.values(type.getFields()).flatMap((field) => {
    const perViewer = field.extensions.perViewer === true;
    const named = getNamedType(field.type);
    const text = `${field.name}${argumentsOf[field.name] ?? ""}`;
    expect(needsArguments(field), `arguments of ${type.name}.${field.name}`).toBe(false);
    if (isLeafType(named)) return [{ text, perViewer }];
    if (!isObjectType(named)) throw new Error(`${type.name}.${field.name} is of several types.`);
    if (within.length === maxDepth || within.filter((one) => one === named).length > 1) return [];
    return pathsOf(named, [...within, named]).map((inner) => ({
      text: `${text} { ${inner.text} }`,
      perViewer: perViewer || inner.perViewer,
    }));
  });
}

const needsArguments = ({ args }: GraphQLField<unknown, unknown>) =>
  args.some(({ type, defaultValue }) => getNullableType(type) !== type && defaultValue === undefined);

function eventTypes(): readonly GraphQLObjectType[] {
  const item = getNamedType(schema.getSubscriptionType()!.getFields().roomEvents!.type);
  if (isUnionType(item) || isInterfaceType(item)) return schema.getPossibleTypes(item);
  throw new Error("roomEvents gives one type alone.");
}

const paths = eventTypes()
  .filter(({ name }) => name !== "CaughtUp")
  .flatMap((type) => pathsOf(type).map((path): Path => ({ type: type.name, ...path })))
  .filter(({ perViewer }) => !perViewer);

let app: TestApp;
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  app = await startTestApp();
  alice = await TestUser.open(app, "alice");
  bob = await TestUser.open(app, "bob");
  for (const id of ["carol", "dave", "erin"]) await TestUser.open(app, id);
});

afterAll(async () => {
  for (const user of [alice, bob]) await user[Symbol.asyncDispose]();
  await app.close();
});

/** A room in which one has been from the start, the other came later, and a third is whom only the first knows from elsewhere. */
async function openRoom() {
  const roomId = await alice.createRoom("Tea", ["dave"]);
  await alice.createRoom("Elsewhere", ["dave", "erin"]);
  const first = await alice.send(roomId, "before bob came");
  await alice.mutate("addMember", { roomId, userId: "bob" });
  return { roomId, first };
}

/** One change of each type, after which it calls back. */
async function changeAll(
  { roomId, first }: Awaited<ReturnType<typeof openRoom>>,
  changed: (type: string) => Promise<void>,
): Promise<void> {
  const answer = await alice.send(roomId, "an answer", { replyToId: first.id });
  await changed("MessageSent");
  await alice.mutate("editMessage", { roomId, messageId: first.id, content: "edited" });
  await changed("MessageEdited");
  await bob.mutate("markRead", { roomId, messageIds: [answer.id] });
  await changed("MessagesRead");
  await alice.mutate("addMember", { roomId, userId: "carol" });
  await changed("MemberJoined");
  await alice.mutate("updateMember", { roomId, userId: "carol", role: "ADMIN" });
  await changed("MemberUpdated");
  await alice.mutate("removeMember", { roomId, userId: "carol" });
  await changed("MemberLeft");
  await alice.mutate("updateRoom", { roomId, name: "Coffee" });
  await changed("RoomUpdated");
  await alice.mutate("deleteMessage", { roomId, messageId: first.id });
  await changed("MessageDeleted");
}

type Response = { data?: { roomEvents: Record<string, unknown> | null } | null; errors?: unknown };

const groups = Array.from({ length: Math.ceil(paths.length / pathsAtOnce) }, (_, index) =>
  paths.slice(index * pathsAtOnce, (index + 1) * pathsAtOnce),
);

test.each(groups.map((group, index) => [index + 1, group] as const))(
  `guarantee 5: what is executed once for all is what each would get of their own (part %i of ${groups.length})`,
  async (_part, group) => {
    const room = await openRoom();
    const readers: { socket: RawSocket }[] = [];
    for (const userId of ["alice", "bob"]) {
      for (const more of ["", own]) {
        const socket = await RawSocket.open(app.url, await tokenOf(userId));
        for (const [index, { type, text }] of group.entries()) {
          const query = `subscription ($roomId: ID!) { roomEvents(roomId: $roomId) { __typename ... on ${type} { ${text} ${more} } } }`;
          socket.subscribe(String(index), query, { roomId: room.roomId });
        }
        readers.push({ socket });
      }
    }
    const responsesOf = (socket: RawSocket) =>
      socket.messages.filter(({ type }) => type === "next") as { id: string; payload: Response }[];
    // `CaughtUp`.
    let expected = group.length;
    const arrived = async () => {
      for (const { socket } of readers) await socket.until(() => responsesOf(socket).length === expected, 30_000);
    };
    await arrived();
    const compared = new Set<string>();
    await changeAll(room, async (type) => {
      expected += group.length;
      await arrived();
      const latest = readers.map(({ socket }) => responsesOf(socket).slice(-group.length));
      for (const [index, path] of group.entries()) {
        if (path.type !== type) continue;
        const [sharedByAlice, alices, sharedByBob, bobs] = latest.map((responses) => {
          const { payload } = responses.find(({ id }) => id === String(index))!;
          expect(payload.errors, `${path.type} { ${path.text} }`).toBeUndefined();
          const { own: _own, ...event } = payload.data!.roomEvents!;
          expect(event.__typename).toBe(type);
          return event;
        });
        expect({ [path.text]: sharedByAlice }).toEqual({ [path.text]: alices });
        expect({ [path.text]: sharedByBob }).toEqual({ [path.text]: bobs });
        compared.add(`${path.type} ${path.text}`);
      }
    });
    expect(compared.size).toBe(group.length);
    for (const { socket } of readers) await socket[Symbol.asyncDispose]();
  },
  60_000,
);
