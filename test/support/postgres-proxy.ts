import { openTcpProxy, type LinkWatch, type ProxiedLink } from "./tcp-proxy.ts";

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
  let armed: { text: string; cut: Cut; done: () => void } | undefined;

  function watch(link: ProxiedLink): LinkWatch {
    let dropsAnswer: (() => void) | undefined;
    const breakOff = (done: () => void) => {
      link.cut();
      done();
      return false;
    };
    return {
      fromClient(data) {
        if (!armed || !data.includes(armed.text)) return true;
        const { cut, done } = armed;
        armed = undefined;
        if (cut === "statement") return breakOff(done);
        dropsAnswer = done;
        return true;
      },
      // Postgres answers when it has committed.
      fromServer: () => (dropsAnswer ? breakOff(dropsAnswer) : true),
    };
  }

  const proxy = await openTcpProxy({ host: target.hostname, port: Number(target.port) }, watch);
  target.hostname = "127.0.0.1";
  target.port = String(proxy.port);
  return {
    url: target.href,
    cutNext: (text, cut) => new Promise((resolve) => (armed = { text, cut, done: resolve })),
    silence() {
      proxy.isStalled = true;
    },
    speak({ forgets = false } = {}) {
      if (forgets) proxy.mute();
      proxy.isStalled = false;
    },
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
  };
}
