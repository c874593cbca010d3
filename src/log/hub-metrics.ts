import type { DeliveryMetrics } from "./deliveries.ts";
import type { CatchUpReason } from "./reader.ts";

/** What a hub tells of itself, for /metrics. */
export interface HubMetrics extends DeliveryMetrics {
  eventsIn(route: "here" | "bus", count: number): void;
  busGap(): void;
  /** A subscriber reads a room from the database. */
  catchUp(reason: CatchUpReason): void;
  /** One read for a subscriber, of however many rooms. */
  catchUpPage(): void;
  slowConsumer(): void;
  tooSlow(): void;
  /** The log of a watched room went back. */
  roomReset(): void;
}

/** For whoever does not count. */
export const uncounted: HubMetrics = {
  eventsIn() {},
  eventsOut() {},
  delivered() {},
  busGap() {},
  catchUp() {},
  catchUpPage() {},
  slowConsumer() {},
  tooSlow() {},
  roomReset() {},
};
