import { useEffect, useRef, useState } from "react";
import { useClient } from "../../react/index.ts";

/** What the user may choose to be shown as; `automatic`: online, and away after doing nothing for a while. */
export const statusOfChoice = { automatic: null, away: "AWAY", busy: "BUSY", offline: "OFFLINE" } as const;
export type Choice = keyof typeof statusOfChoice;
export const choices = Object.keys(statusOfChoice) as Choice[];

/** Kept in the tab: a reload does not undo it. */
export function useChoice(): [Choice, (choice: Choice) => void] {
  const { presence, userId } = useClient();
  const key = `causerie/status/${userId}`;
  const [choice, setChoice] = useState(() => choices.find((each) => each === sessionStorage.getItem(key)));
  const atFirst = useRef(choice);

  useEffect(() => {
    const status = atFirst.current && statusOfChoice[atFirst.current];
    if (status) presence.set({ status }).catch(toldLater);
  }, [presence]);

  return [
    choice ?? "automatic",
    (next) => {
      setChoice(next);
      sessionStorage.setItem(key, next);
    },
  ];
}

/** There was no connection: the next one is told by the client. */
function toldLater() {}
