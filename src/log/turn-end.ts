/** Something with work left for the end of this turn of the event loop. */
export interface EndsTurn {
  endTurn(): void;
}

/** Groups hand their entries to readers, which fill the sockets' writers; those write, and then it can be said when. */
const order = ["hand out", "write", "written"] as const;
const phases: EndsTurn[][] = order.map(() => []);
let scheduled = false;

function runPhases(): void {
  scheduled = false;
  for (let phase = 0; phase < phases.length; phase++) {
    const due = phases[phase]!;
    phases[phase] = [];
    for (const one of due) one.endTurn();
  }
}

/** What is ready for one reader, and for one socket, at the end of a turn goes out together: most of a delivery's cost is the write. */
export function atTurnEnd(one: EndsTurn, phase: (typeof order)[number]): void {
  phases[order.indexOf(phase)]!.push(one);
  if (scheduled) return;
  scheduled = true;
  setImmediate(runPhases);
}
