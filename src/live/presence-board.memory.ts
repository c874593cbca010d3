import { NodePresenceBoard, boardSetup } from "./presence-board.node.ts";
import type { BoardSetup } from "./presence-board.node.ts";
import type { OtherNodes } from "./presence-board.others.ts";
import type { BoardOptions, PresenceBoard } from "./presence-board.ts";

/** The board of a server that is the only node. All there is is in this process and goes with it. */
export function openMemoryPresenceBoard(options: BoardOptions): PresenceBoard {
  const setup = boardSetup(options);
  return new NodePresenceBoard(setup, () => noOtherNodes(setup));
}

function noOtherNodes({ node, clock }: BoardSetup): OtherNodes {
  let draining = false;
  return {
    changed: () => {},
    profileChanged: () => {},
    follow: async () => {},
    unfollow: () => {},
    known: () => undefined,
    read: async () => ({ users: new Map(), complete: true }),
    nowMs: () => clock.wallMs(),
    nodes: () => (draining ? [] : [node]),
    drain: () => void (draining = true),
    up: true,
    stats: { unwrittenNow: 0, leaseAgeMsNow: 0, epochs: 0, gaps: 0, endedForOthers: 0 },
    leave: async () => {},
  };
}
