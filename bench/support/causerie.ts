import { makeDataDir, removeDataDir } from "../../test/support/postgres-folder.ts";
import { fileURLToPath } from "node:url";
import { createClient, type Client } from "graphql-ws";
import { SignJWT } from "jose";
import { WebSocket } from "ws";
import packageJson from "../../package.json" with { type: "json" };
import { openEmbeddedDatabase } from "../../src/database/embedded.ts";
import { type Contestant, selections, type Stage } from "./contestant.ts";
import { graphqlDialogue, type Dialogue } from "./dialogues.ts";
import { loadCore, serverCore } from "./machine.ts";
import { startProgram, type Program } from "./processes.ts";
import type { HandedOver } from "./stamp-publish.ts";

const secret = "a secret of the bench, long enough for HS256";
/** As `npm start` runs it. */
const nodeFlags = packageJson.scripts.start.split(" ").filter((word) => word.startsWith("--"));
const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const stampPublish = fileURLToPath(new URL("stamp-publish.ts", import.meta.url));
const sendingSockets = 4;
const userId = "bench";

/** A node with the subscribers; the sends go through a second node on the same Postgres and Redis. */
export const causerie: Contestant = {
  name: "causerie",
  selects: true,
  async start({ redisUrl, rooms }: Stage) {
    await using opened = new AsyncDisposableStack();
    const folder = await makeDataDir();
    opened.defer(() => removeDataDir(folder));
    const database = opened.use(await openEmbeddedDatabase({ dataDir: folder, log: () => {} }));
    const env = {
      PORT: "0",
      HOST: "127.0.0.1",
      DATABASE_URL: database.url,
      REDIS_URL: redisUrl,
      JWT_SECRET: secret,
      RATE_LIMITS: "off",
      LOG_LEVEL: "warn",
      MAX_ROOMS_PER_USER: "10000",
      MAX_SOCKETS_PER_USER: "10000",
    };
    const ready = /http:\/\/[^:]+:(\d+)\/graphql/;
    const sender = opened.use(
      await startProgram({
        name: "causerie's sender",
        program: [main],
        core: loadCore,
        nodeFlags,
        ready,
        preload: [stampPublish],
        env: { ...env, NODE_ID: "sender" },
      }),
    );
    const server = opened.use(
      await startProgram({
        name: "causerie",
        program: [main],
        core: serverCore,
        nodeFlags,
        ready,
        env: { ...env, NODE_ID: "server" },
      }),
    );
    const token = await tokenOf(userId);
    const connectionParams = { authorization: `Bearer ${token}` };
    const roomIds = await createRooms(portOf(sender), token, rooms);
    const clients = Array.from({ length: sendingSockets }, () =>
      createClient({
        url: `ws://127.0.0.1:${portOf(sender)}/graphql`,
        webSocketImpl: WebSocket,
        lazy: false,
        connectionParams,
      }),
    );
    opened.defer(async () => void (await Promise.all(clients.map(async (client) => client.dispose()))));
    const resources = opened.move();
    return {
      server,
      port: portOf(server),
      dialogue: ({ room, selection }) =>
        untilLive(
          graphqlDialogue({
            path: "/graphql",
            query: selections[selection]!,
            variables: { roomId: roomIds[room] },
            connectionParams,
          }),
        ),
      publish: ({ room, sequence, content }) =>
        sendMessage(clients[sequence % sendingSockets]!, roomIds[room]!, content),
      onHandOver: (listener) =>
        sender.onMessage((message) => {
          const { handedOver, atMs } = message as Partial<HandedOver>;
          for (const sequence of handedOver ?? []) listener(sequence, atMs!);
        }),
      [Symbol.asyncDispose]: () => resources.disposeAsync(),
    };
  },
};

/** Live from the first response on, which is CaughtUp. */
function untilLive(dialogue: Dialogue): Dialogue {
  return {
    ...dialogue,
    hear(text) {
      const { send } = dialogue.hear(text);
      return text.includes('"type":"next"') ? { subscribed: true } : { send };
    },
  };
}

const portOf = (program: Program) => Number(program.ready[1]);

function tokenOf(subject: string): Promise<string> {
  const key = new TextEncoder().encode(secret);
  return new SignJWT({ name: "Bench" })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(subject)
    .setExpirationTime("2h")
    .sign(key);
}

async function createRooms(port: number, token: string, count: number): Promise<string[]> {
  const roomIds: string[] = [];
  for (let index = 0; index < count; index++) {
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({
        query: `mutation { createRoom(input: { name: "Room ${index}" }) { room { id } userErrors { message } } }`,
      }),
    });
    const { data } = (await response.json()) as { data: { createRoom: { room: { id: string } } } };
    roomIds.push(data.createRoom.room.id);
  }
  return roomIds;
}

const sendDocument = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } userErrors { message } } }`;

function sendMessage(client: Client, roomId: string, content: string): Promise<void> {
  return new Promise((resolve, reject) => {
    client.subscribe<{ sendMessage: { message: unknown; userErrors: unknown[] } }>(
      { query: sendDocument, variables: { input: { roomId, content } } },
      {
        next: ({ data, errors }) => {
          if (!data?.sendMessage.message) reject(new Error(JSON.stringify(errors ?? data)));
        },
        error: reject,
        complete: resolve,
      },
    );
  });
}
