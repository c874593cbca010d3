import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { SignJWT } from "jose";
import { createClient, type Client } from "graphql-ws";
import { WebSocket } from "ws";

const secret = "a secret of the bench, long enough for HS256";
const sockets = 8;
const inFlightPerSocket = 8;

/** Sends through the whole API, the server in a process of its own. */
export async function benchApi({ databaseUrl, seconds }: { databaseUrl: string; seconds: number }): Promise<void> {
  const server = spawn(process.execPath, [new URL("../../src/main.ts", import.meta.url).pathname], {
    env: {
      PATH: process.env.PATH,
      PORT: "0",
      DATABASE_URL: databaseUrl,
      JWT_SECRET: secret,
      RATE_LIMITS: "off",
      LOG_LEVEL: "warn",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    const url = await urlOf(server.stdout);
    const token = await new SignJWT({ name: "Sender" })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject("sender")
      .setExpirationTime("1h")
      .sign(new TextEncoder().encode(secret));
    const ask = (query: string, variables = {}) =>
      fetch(`${url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify({ query, variables }),
      }).then(
        (response) => response.json() as Promise<{ data: { createRoom: { room: { id: string } }; viewer: unknown } }>,
      );
    const roomId = (await ask(`mutation { createRoom(input: { name: "API" }) { room { id } } }`)).data.createRoom.room
      .id;
    const clients = Array.from({ length: sockets }, () =>
      createClient({
        url: `${url.replace("http", "ws")}/graphql`,
        webSocketImpl: WebSocket,
        lazy: false,
        connectionParams: { authorization: `Bearer ${token}` },
      }),
    );
    const query = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id position } userErrors { code } } }`;
    const variables = { input: { roomId, content: "x".repeat(120) } };
    console.log(`\nthrough the whole API, one hot room, ${sockets * inFlightPerSocket} in flight`);
    const overSocket = (client: Client) =>
      new Promise<void>((resolve, reject) =>
        client.subscribe({ query, variables }, { next: () => {}, error: reject, complete: resolve }),
      );
    await measure("WebSocket", server.pid!, seconds, (worker) => overSocket(clients[worker % sockets]!));
    await measure("HTTP", server.pid!, seconds, async () => void (await ask(query, variables)));
    await Promise.all(clients.map(async (client) => client.dispose()));
  } finally {
    server.kill("SIGTERM");
    await once(server, "exit");
  }
}

async function measure(
  name: string,
  pid: number,
  seconds: number,
  send: (worker: number) => Promise<void>,
): Promise<void> {
  const run = async (runSeconds: number) => {
    const end = performance.now() + runSeconds * 1_000;
    let done = 0;
    await Promise.all(
      Array.from({ length: sockets * inFlightPerSocket }, async (_, worker) => {
        while (performance.now() < end) {
          await send(worker);
          done += 1;
        }
      }),
    );
    return done;
  };
  await run(1);
  const before = await cpuSeconds(pid);
  const done = await run(seconds);
  const cpu = (await cpuSeconds(pid)) - before;
  console.log(
    `  ${name.padEnd(9)} ${(done / seconds).toFixed(0).padStart(7)} /s   ${((cpu / done) * 1e6).toFixed(0)} µs of the server's CPU each: ${(done / cpu).toFixed(0)} /s a core`,
  );
}

async function cpuSeconds(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).replace(/^.*\) /, "").split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function urlOf(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const match = /https?:\/\/[^/\s]+/.exec(line);
    if (match) {
      output.resume();
      return match[0];
    }
  }
  throw new Error("The server ended before it was up.");
}
