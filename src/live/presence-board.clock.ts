/** Time as the presence board takes it. Intervals go by `monotonicMs`, so a wall clock that jumps ends nobody's session. */
export interface BoardClock {
  /** Never goes back, and goes on while the process is stopped. */
  monotonicMs(): number;
  /** Since 1970. Counts only where no other node's clock is known. */
  wallMs(): number;
  /** Calls once after this time. Returns how to call it off. Does not keep the process alive. */
  after(ms: number, call: () => void): () => void;
}

export const systemBoardClock: BoardClock = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms).unref();
    return () => clearTimeout(timer);
  },
};
