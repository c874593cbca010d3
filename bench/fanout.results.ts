import type { Mode } from "./fanout.plan.ts";
import type { Figures, StageFigures } from "./fanout.stage.ts";
import { median } from "./support/statistics.ts";

export interface Place {
  stage: string;
  mode: Mode;
  contestant: string;
}
export type Figure = keyof Figures;

interface Row extends Place {
  round: number;
  figures: Figures;
}

/** Over the rounds: the median, the least and the most. */
export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** All figures of a run. A stage that failed has none in that round. */
export class Results {
  readonly rows: Row[] = [];
  readonly failures: string[] = [];

  add(round: number, { stage, contestant }: Omit<Place, "mode">, figures: StageFigures): void {
    for (const [mode, found] of Object.entries(figures)) {
      this.rows.push({ round, stage, contestant, mode: mode as Mode, figures: found });
    }
  }

  has(place: Place): boolean {
    return this.#rounds(place, "deliveries").size > 0 || this.#rounds(place, "bytesPerSubscriber").size > 0;
  }

  spread(place: Place, figure: Figure): Spread | undefined {
    return spreadOf([...this.#rounds(place, figure).values()]);
  }

  /** Of each round's ratio: two figures of different rounds say nothing about each other. */
  ratio(place: Place, to: Place, figure: Figure): Spread | undefined {
    const others = this.#rounds(to, figure);
    const ratios: number[] = [];
    for (const [round, value] of this.#rounds(place, figure)) {
      const other = others.get(round);
      if (other) ratios.push(value / other);
    }
    return spreadOf(ratios);
  }

  #rounds(place: Place, figure: Figure): Map<number, number> {
    const found = new Map<number, number>();
    for (const { round, stage, mode, contestant, figures } of this.rows) {
      if (stage !== place.stage || mode !== place.mode || contestant !== place.contestant) continue;
      const value = figures[figure];
      if (value !== undefined) found.set(round, value);
    }
    return found;
  }
}

function spreadOf(values: number[]): Spread | undefined {
  if (values.length === 0) return undefined;
  return { median: median(values), least: Math.min(...values), most: Math.max(...values) };
}
