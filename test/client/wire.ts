/** A message of the GraphQL over WebSocket protocol. */
export type Frame = {
  type: string;
  id?: string;
  payload?: {
    query?: string;
    variables?: Record<string, unknown> & { after?: string | string[] | null };
    data?: unknown;
  };
};

/** What happens between a client and its server: all frames that the client sent, and sockets that can be cut, muted or robbed. */
export class Wire {
  readonly sent: (Frame & { socket: number })[] = [];
  /** All frames of operations in both directions, in the order in which this side saw them. */
  readonly frames: { direction: "in" | "out"; type: string; id: string | undefined }[] = [];
  readonly sockets: WebSocket[] = [];
  /** Nothing more reaches the client, and nothing more leaves it: half-open. */
  isMute = false;
  /** Frames to the client that get lost. */
  isLost: (frame: Frame) => boolean = () => false;
  readonly WebSocket: typeof WebSocket;

  constructor() {
    const note = (socket: WebSocket) => this.sockets.push(socket) - 1;
    const mayPass = (frame: Frame) => {
      this.frames.push({ direction: "in", type: frame.type, id: frame.id });
      return !this.isMute && !this.isLost(frame);
    };
    const noteSent = (frame: Frame, socket: number) => {
      this.frames.push({ direction: "out", type: frame.type, id: frame.id });
      this.sent.push({ ...frame, socket });
    };
    const isMute = () => this.isMute;
    this.WebSocket = class extends WebSocket {
      readonly #index = note(this);
      #handler: ((event: MessageEvent) => void) | null = null;
      #isHeard = false;

      override send(data: string) {
        noteSent(JSON.parse(data) as Frame, this.#index);
        if (!isMute()) super.send(data);
      }

      // graphql-ws sets it, and sets it to null to hear no more.
      override set onmessage(handler: ((event: MessageEvent) => void) | null) {
        this.#handler = handler;
        if (this.#isHeard) return;
        this.#isHeard = true;
        this.addEventListener("message", (event: MessageEvent<string>) => {
          if (mayPass(JSON.parse(event.data) as Frame)) this.#handler?.(event);
        });
      }

      override get onmessage() {
        return this.#handler;
      }
    };
  }

  /** The last socket closes without a word, as when a network ends. */
  cut(): void {
    this.sockets.at(-1)?.close(4999);
  }

  get openSockets(): number {
    return this.sockets.filter(({ readyState }) => readyState !== WebSocket.CLOSED).length;
  }

  /** The operations with this field that were begun, in order. */
  begun(field: string): (Frame & { socket: number })[] {
    return this.sent.filter(({ type, payload }) => type === "subscribe" && payload?.query?.includes(` ${field}(`));
  }

  afterOf(field: string): (string | string[] | null | undefined)[] {
    return this.begun(field).map(({ payload }) => payload?.variables?.after);
  }
}
