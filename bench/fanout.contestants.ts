import { fileURLToPath, pathToFileURL } from "node:url";
import { selections } from "./support/contestant.ts";
import type { Contestant, SubscriberPlace } from "./support/contestant.ts";
import { bareDialogue, graphqlDialogue, socketIoDialogue } from "./support/dialogues.ts";
import type { Dialogue } from "./support/dialogues.ts";
import { causerie } from "./support/causerie.ts";
import { serverCore } from "./support/machine.ts";
import { startProgram } from "./support/processes.ts";

/** The names that ratios refer to. */
export const limitName = "bare ws";
export const stockName = "stock";

const roomId = (room: number) => `room-${room}`;

const graphql = ({ room, selection }: SubscriberPlace): Dialogue =>
  graphqlDialogue({ path: "/graphql", query: selections[selection]!, variables: { roomId: roomId(room) } });

/** In the order of the report. */
export const contestants: readonly Contestant[] = [
  causerie,
  peer({ name: stockName, file: "stock", selects: true, dialogue: graphql }),
  peer({ name: "mercurius", file: "mercurius", selects: true, dialogue: graphql }),
  peer({ name: "socket.io", file: "socketio", selects: false, dialogue: ({ room }) => socketIoDialogue(roomId(room)) }),
  peer({ name: limitName, file: "ws", selects: false, dialogue: ({ room }) => bareDialogue(roomId(room)) }),
];

interface Publisher {
  publish(message: { roomId: string; sequence: number; content: string }): Promise<unknown>;
  close(): Promise<unknown>;
}

interface Peer {
  name: string;
  file: string;
  selects: boolean;
  dialogue: (place: SubscriberPlace) => Dialogue;
}

/** A server of bench/peers, and its publisher, which lives in this process, on the core of the load. */
function peer({ name, file, selects, dialogue }: Peer): Contestant {
  const peers = new URL("peers/", import.meta.url);
  return {
    name,
    selects,
    async start({ redisUrl }) {
      const publisherFile = pathToFileURL(fileURLToPath(new URL(`${file}.publisher.js`, peers))).href;
      const { openPublisher } = (await import(publisherFile)) as { openPublisher: (url: string) => Promise<Publisher> };
      const server = await startProgram({
        name,
        program: [fileURLToPath(new URL(`${file}.server.js`, peers)), redisUrl],
        core: serverCore,
        ready: /^ready (\{.*\})$/,
      });
      const publisher = await openPublisher(redisUrl);
      const { port } = JSON.parse(server.ready[1]!) as { port: number };
      return {
        server,
        port,
        dialogue,
        publish: ({ room, sequence, content }) => publisher.publish({ roomId: roomId(room), sequence, content }),
        async [Symbol.asyncDispose]() {
          await publisher.close();
          await server[Symbol.asyncDispose]();
        },
      };
    },
  };
}
