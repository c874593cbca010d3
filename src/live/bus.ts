/**
 * The bus carries publications between nodes. It is a hint, never the truth: it may lose anything at any time, and says
 * when it may have.
 */
export interface Bus extends AsyncDisposable {
  /**
   * Hands the text to all subscribers of the channel on every node, at most once; publications of one node to one channel
   * arrive in the order of the calls (but for those made while a Redis Cluster moves the channel's slot). Resolves false when
   * it could not be handed over (bus down, deadline passed); then it may still have arrived. Never rejects, keeps nothing for
   * later.
   * @throws TypeError for a channel's name that no id makes.
   */
  publish(channel: string, text: string): Promise<boolean>;
  /**
   * Listens to a channel. Several listeners on one channel share one subscription. A listener that throws is logged and
   * hinders no other.
   */
  subscribe(channel: string, listener: (text: string) => void): BusSubscription;
  /** Whether publications arrive at present, as far as known. */
  readonly up: boolean;
  /**
   * Called after each interruption, once all channels are subscribed again: publications may have been lost, compare with the
   * database. Returns how to stop being called.
   */
  onRecovered(listener: () => void): () => void;
  /** Called on each change of `up`. Returns how to stop being called. */
  onStateChange(listener: (up: boolean) => void): () => void;
  /** Ends all subscriptions and connections. Nothing is heard and nothing is handed over afterwards. Never rejects. */
  close(): Promise<void>;
}

export interface BusSubscription {
  /**
   * True: every publication from now on will be heard, as long as the bus is up. False: the bus is down at present, or the
   * subscription was closed; the bus subscribes by itself once it is back, announced through `onRecovered`. Comes within 2 s,
   * never rejects.
   */
  readonly acknowledged: Promise<boolean>;
  /** Nothing is heard afterwards. May be called at any time and repeatedly, also while the bus is down. Never rejects. */
  close(): Promise<void>;
}
