import { useState } from "react";
import type { PresenceStatus } from "../../client/index.ts";
import { useClient } from "../../react/index.ts";

/** What the user may choose to be shown as; `automatic`: online, and away after doing nothing for a while. */
export const statusOfChoice = { automatic: null, away: "AWAY", busy: "BUSY", offline: "OFFLINE" } as const;
export type Choice = keyof typeof statusOfChoice;
export const choices = Object.keys(statusOfChoice) as Choice[];

const keyOf = (userId: string) => `causerie/status/${userId}`;

/** Kept in the tab: a reload does not undo it. */
function keptChoice(userId: string): Choice {
  return choices.find((each) => each === sessionStorage.getItem(keyOf(userId))) ?? "automatic";
}

/** What the client of this user is to begin with. */
export function keptStatus(userId: string): PresenceStatus | undefined {
  return statusOfChoice[keptChoice(userId)] ?? undefined;
}

export function useChoice(): [Choice, (choice: Choice) => void] {
  const { userId } = useClient();
  const [choice, setChoice] = useState(() => keptChoice(userId));
  return [
    choice,
    (next) => {
      setChoice(next);
      sessionStorage.setItem(keyOf(userId), next);
    },
  ];
}
