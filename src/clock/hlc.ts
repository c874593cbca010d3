/**
 * A hybrid logical clock (Kulkarni et al., "Logical Physical Clocks", 2014) in 64 bits: 48 of milliseconds since 1970 and 16
 * of counter. The counter's overflow carries into the time, as a plain addition does.
 */
export interface HybridLogicalClock {
  /** A new reading: greater than every one that this clock gave or absorbed before, and not behind the physical clock. */
  now(): bigint;
  /**
   * Takes note of a peer's reading; the next `now()` is greater. One further ahead of the physical clock than `maxDriftMs`
   * counts as just that far ahead, so a peer with a wrong clock cannot drag this one along.
   * @throws RangeError where the reading is not of 64 bits
   */
  absorb(reading: bigint): void;
  /** The greatest reading given or absorbed so far; 0 at first. */
  readonly last: bigint;
}

const counterBits = 16n;
const maxReading = (1n << 64n) - 1n;
const textPattern = /^([0-9a-f]{12})-([0-9a-f]{4})-([!-~]{1,64})$/;
const nodeNamePattern = /^[!-~]{1,64}$/;

/** `now` is the physical clock, in milliseconds; it may jump and go backwards, the readings do not. */
export function createHybridLogicalClock(options: { now: () => number; maxDriftMs?: number }): HybridLogicalClock {
  const { now, maxDriftMs = 60_000 } = options;
  let last = 0n;
  const physical = (aheadMs = 0) => hlcFromMs(now() + aheadMs);
  return {
    now() {
      last = checked(max(last + 1n, physical()));
      return last;
    },
    absorb(reading) {
      const limit = physical(maxDriftMs);
      last = max(last, checked(reading) > limit ? limit : reading);
    },
    get last() {
      return last;
    },
  };
}

/** The first reading of a millisecond; times before 1970 count as 1970. */
export function hlcFromMs(ms: number): bigint {
  return checked(BigInt(Math.max(0, Math.floor(ms))) << counterBits);
}

/** The milliseconds since 1970 of a reading. */
export function hlcToMs(reading: bigint): number {
  return Number(checked(reading) >> counterBits);
}

/** Whether a node may bear this name: 1 to 64 printable ASCII characters, so that the order of texts is that of their bytes. */
function isNodeName(name: string): boolean {
  return nodeNamePattern.test(name);
}

/**
 * 12 hex digits of milliseconds, 4 of counter, then the node's name, joined by '-'. The order of two texts is the
 * clock's order, and the order of the nodes' names where the readings are equal.
 * @throws RangeError where the reading is not of 64 bits or the name is not one (`isNodeName`)
 */
export function formatHlc(reading: bigint, nodeId: string): string {
  if (!isNodeName(nodeId)) throw new RangeError("A node's name is 1 to 64 printable ASCII characters.");
  const digits = checked(reading).toString(16).padStart(16, "0");
  return `${digits.slice(0, 12)}-${digits.slice(12)}-${nodeId}`;
}

/** What `formatHlc` was given. @throws SyntaxError on any text that it does not write */
export function parseHlc(text: string): { reading: bigint; nodeId: string } {
  const [, time, counter, nodeId] = textPattern.exec(text) ?? [];
  if (nodeId === undefined) throw new SyntaxError("This is no reading of a hybrid logical clock.");
  return { reading: BigInt(`0x${time}${counter}`), nodeId };
}

function checked(reading: bigint): bigint {
  if (reading < 0n || reading > maxReading) throw new RangeError("A clock reading has 64 bits.");
  return reading;
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
