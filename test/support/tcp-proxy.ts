import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** What stands between one client and its server. */
export interface ProxiedLink {
  /** Breaks the connection on both sides, without a word. */
  cut(): void;
}

/** Looks at what goes through one link. What it answers false to is lost. */
export interface LinkWatch {
  fromClient?: (data: Buffer) => boolean;
  fromServer?: (data: Buffer) => boolean;
}

/** A network between clients and one server, on 127.0.0.1, that fails as networks do. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections at present. */
  readonly links: number;
  /** Each piece of data comes so much later, in order; also of links that are open. */
  delayMs: number;
  /** Nothing is read on either side, so that the kernel's buffers fill; also on links that are opened while it lasts. */
  isStalled: boolean;
  /** Breaks the connections that are open, all or those that are chosen. */
  cut(isChosen?: () => boolean): void;
  /** Of the open connections nothing is passed on any longer, and neither side is told: the way between them is gone. */
  mute(): void;
  /**
   * Ends one direction of each open connection, as a peer that has said all it has to say: that side is told of the end,
   * the other goes on unaware, and nothing of it is passed on any longer.
   */
  halfClose(told: "client" | "server"): void;
}

type Target = { host: string; port: number };

/** `watch` is called for each new link. */
export async function openTcpProxy(target: Target, watch?: (link: ProxiedLink) => LinkWatch): Promise<TcpProxy> {
  const links = new Set<Link>();
  const weather: Weather = { delayMs: 0, isStalled: false };
  // A side that says that it is done is answered by the other side, not by the proxy.
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const link = new Link({ client, target, weather, onEnd: () => links.delete(link) });
    links.add(link);
    link.begin(watch?.(link) ?? {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    get links() {
      return links.size;
    },
    get delayMs() {
      return weather.delayMs;
    },
    set delayMs(delayMs) {
      weather.delayMs = delayMs;
    },
    get isStalled() {
      return weather.isStalled;
    },
    set isStalled(isStalled) {
      weather.isStalled = isStalled;
      for (const link of links) link.flow();
    },
    cut: (isChosen = () => true) => [...links].filter(isChosen).forEach((link) => link.cut()),
    mute: () => links.forEach((link) => link.mute()),
    halfClose: (told) => links.forEach((link) => link.halfClose(told)),
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const link of links) link.cut();
      await closed;
    },
  };
}

type Weather = { delayMs: number; isStalled: boolean };

class Link implements ProxiedLink {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #weather: Weather;
  readonly #onEnd: () => void;
  #pipes: Pipe[] = [];

  constructor(options: { client: Socket; target: Target; weather: Weather; onEnd: () => void }) {
    this.#client = options.client;
    this.#server = connect({ ...options.target, allowHalfOpen: true, noDelay: true });
    this.#weather = options.weather;
    this.#onEnd = options.onEnd;
    this.#client.setNoDelay();
    for (const socket of [this.#client, this.#server]) {
      // Whatever broke, `close` follows.
      socket.on("error", () => undefined);
      socket.on("close", () => this.cut());
    }
  }

  begin({ fromClient, fromServer }: LinkWatch): void {
    const weather = this.#weather;
    this.#pipes = [
      new Pipe({ from: this.#client, to: this.#server, weather, mayPass: fromClient }),
      new Pipe({ from: this.#server, to: this.#client, weather, mayPass: fromServer }),
    ];
    this.flow();
  }

  cut(): void {
    this.#onEnd();
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  halfClose(told: "client" | "server"): void {
    const socket = told === "client" ? this.#client : this.#server;
    this.mute();
    socket.end();
  }

  mute(): void {
    for (const pipe of this.#pipes) pipe.isMute = true;
  }

  flow(): void {
    for (const pipe of this.#pipes) pipe.flow();
  }
}

/** One direction. */
class Pipe {
  isMute = false;
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #weather: Weather;
  /** In the order of their coming; each waits for the one before it. */
  #last: Promise<void> = Promise.resolve();

  constructor(options: { from: Socket; to: Socket; weather: Weather; mayPass: LinkWatch["fromClient"] }) {
    const { mayPass = () => true } = options;
    this.#from = options.from;
    this.#to = options.to;
    this.#weather = options.weather;
    this.#from.on("data", (data) => {
      if (this.isMute || !mayPass(data)) return;
      this.#later(() => this.#write(data));
    });
    this.#from.on("end", () => this.#later(() => void (this.isMute || this.#to.end())));
    this.#to.on("drain", () => this.flow());
  }

  flow(): void {
    if (this.#weather.isStalled || this.#to.writableNeedDrain) this.#from.pause();
    else this.#from.resume();
  }

  #later(work: () => void) {
    const { delayMs } = this.#weather;
    // Without a delay nothing is to overtake what still waits.
    const due = delayMs > 0 ? new Promise<void>((resolve) => setTimeout(resolve, delayMs)) : Promise.resolve();
    const before = this.#last;
    this.#last = Promise.all([due, before]).then(work);
  }

  #write(data: Buffer) {
    if (this.#to.destroyed || this.#to.writableEnded || this.#to.write(data)) return;
    this.#from.pause();
  }
}
