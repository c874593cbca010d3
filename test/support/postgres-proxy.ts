import { connect, createServer, type Socket } from "node:net";
import type { AddressInfo } from "node:net";

/** What happens to the next statement that goes through: it is lost, or its answer is. The connection breaks either way. */
export type Cut = "statement" | "answer";

/** A connection to Postgres that breaks when it is told to. */
export interface PostgresProxy extends AsyncDisposable {
  readonly url: string;
  /** Breaks the connection over which a statement with this text or name goes next. Resolves when it has. */
  cutNext(text: string, cut: Cut): Promise<void>;
  /** From now on nothing goes through in either direction, and nothing breaks: connections are taken, and stay open. */
  silence(): void;
  /** Carries on: with what was said meanwhile, or having forgotten all connections there are, which stay silent for good. */
  speak(options?: { forgets?: boolean }): void;
}

export async function openPostgresProxy(databaseUrl: string): Promise<PostgresProxy> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  const forgotten = new Set<Socket>();
  let isSilent = false;
  let armed: { text: string; cut: Cut; done: () => void } | undefined;

  const server = createServer((client) => {
    const postgres = connect(Number(target.port), target.hostname);
    let dropsAnswer: (() => void) | undefined;
    const end = () => {
      client.destroy();
      postgres.destroy();
    };
    for (const socket of [client, postgres]) {
      sockets.add(socket);
      if (isSilent) socket.pause();
      socket.on("error", end);
      socket.on("close", () => {
        sockets.delete(socket);
        forgotten.delete(socket);
        end();
      });
    }
    client.on("data", (data) => {
      if (armed && data.includes(armed.text)) {
        const { cut, done } = armed;
        armed = undefined;
        if (cut === "statement") {
          end();
          done();
          return;
        }
        dropsAnswer = done;
      }
      postgres.write(data);
    });
    postgres.on("data", (data) => {
      // Postgres answers when it has committed.
      if (!dropsAnswer) {
        client.write(data);
        return;
      }
      end();
      dropsAnswer();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = new URL(databaseUrl);
  url.hostname = "127.0.0.1";
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    cutNext: (text, cut) => new Promise((resolve) => (armed = { text, cut, done: resolve })),
    silence() {
      isSilent = true;
      for (const socket of sockets) socket.pause();
    },
    speak({ forgets = false } = {}) {
      isSilent = false;
      for (const socket of sockets) {
        if (forgets) forgotten.add(socket);
        else if (!forgotten.has(socket)) socket.resume();
      }
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
