/** A response, serialised once for all who get it. `bytes` holds its UTF-8 bytes as a string of one character a byte. */
export type Payload = { readonly json: string; readonly bytes: string };

/**
 * Where one subscription's responses go: a WebSocket or an event stream. Everything but `drained` is immediate; what is
 * given in one turn of the event loop may go out in one write.
 */
export interface Sink {
  next(payload: Payload): void;
  /** Several in their order. Many sinks get the same list: what they have in common is made once. */
  nextAll(payloads: readonly Payload[]): void;
  /** More bytes wait for the client than it may keep waiting: give it no more until it has drained. */
  readonly overloaded: boolean;
  /** Resolves when the client has taken enough of what waits, or is gone. Does not end otherwise: bound it. */
  drained(): Promise<void>;
  /** The subscription is over: the client is told so. */
  complete(): void;
  /** The subscription failed. */
  fail(fault: unknown): void;
  /** The client does not take what it asked for: its connection is closed (1013), it may come back and resume. */
  tooSlow(): void;
  /** Called once when the client is gone or wants no more. */
  onClose(listener: () => void): void;
}
