import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** A label and its values, all known beforehand, so that nobody from outside can make series. */
export type LabelOf<Value extends string> = { label: string; values: readonly Value[] };

export type Meters = ReturnType<typeof createMeters>;

/** Makes the metrics of a registry. All series are there from the beginning: a first time shows as an increase. */
export function createMeters(registry: Registry) {
  const registers = [registry];
  const named = (name: string) => `causerie_${name}`;

  function counter(name: string, help: string): (count?: number) => void {
    const made = new Counter({ name: named(name), help, registers });
    return (count = 1) => made.inc(count);
  }

  function counterBy<Value extends string>(
    name: string,
    help: string,
    { label, values }: LabelOf<Value>,
  ): (value: Value, count?: number) => void {
    const made = new Counter({ name: named(name), help, labelNames: [label], registers });
    const children = childrenOf(values, (value) => made.labels(value));
    for (const child of children.values()) child.inc(0);
    return (value, count = 1) => children.get(value)?.inc(count);
  }

  function histogram(name: string, help: string, buckets: number[]): (figure: number) => void {
    const made = new Histogram({ name: named(name), help, buckets, registers });
    return (figure) => made.observe(figure);
  }

  function histogramBy<Value extends string>(
    name: string,
    help: string,
    { label, values, buckets }: LabelOf<Value> & { buckets: number[] },
  ): (value: Value, figure: number) => void {
    const made = new Histogram({ name: named(name), help, labelNames: [label], buckets, registers });
    for (const value of values) made.zero({ [label]: value });
    const children = childrenOf(values, (value) => made.labels(value));
    return (value, figure) => children.get(value)?.observe(figure);
  }

  /** A figure that is read when it is asked for. */
  function gauge(name: string, help: string, read: () => number): void {
    const collect = () => made.set(read());
    const made: Gauge = new Gauge({ name: named(name), help, registers, collect });
  }

  /** Several, told apart by a label. */
  function gauges(name: string, help: string, by: { label: string; read: () => Readonly<Record<string, number>> }) {
    const collect = () => {
      for (const [value, figure] of Object.entries(by.read())) made.labels(value).set(figure);
    };
    const made: Gauge = new Gauge({ name: named(name), help, labelNames: [by.label], registers, collect });
  }

  return { counter, counterBy, histogram, histogramBy, gauge, gauges };
}

function childrenOf<Value extends string, Child>(values: readonly Value[], of: (value: Value) => Child) {
  return new Map(values.map((value) => [value, of(value)]));
}

/** Of times in seconds, from a millisecond to half a minute. */
export const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
