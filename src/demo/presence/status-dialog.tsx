import { useId, useState, type FormEvent } from "react";
import type { Presence } from "../../client/index.ts";
import { useClient } from "../../react/index.ts";
import { Dialog } from "../parts/dialog.tsx";
import { untilOf } from "../parts/time.ts";
import { attempt } from "../parts/toasts.tsx";
import { quietTimes } from "./do-not-disturb.ts";
import { choices, statusOfChoice, type Choice } from "./own-status.ts";

export interface StatusDialogProps {
  /** Undefined while it is not known. */
  presence: Presence | undefined;
  choice: Choice;
  onChoose: (choice: Choice) => void;
  onClose: () => void;
}

const labels: Readonly<Record<Choice, { name: string; hint: string; look: string }>> = {
  automatic: { name: "Online", hint: "Away after five minutes without you", look: "online" },
  away: { name: "Away", hint: "Until you choose another", look: "away" },
  busy: { name: "Busy", hint: "Until you choose another", look: "busy" },
  offline: { name: "Appear offline", hint: "You see others as ever", look: "offline" },
};
const maxCharacters = 100;
const off = "Off";
const asItIs = "As it is";

/** What others see of the user. */
export function StatusDialog({ presence, choice: chosen, onChoose, onClose }: StatusDialogProps) {
  const client = useClient();
  const [choice, setChoice] = useState(chosen);
  const [words, setWords] = useState(presence?.customStatus ?? "");
  const [quiet, setQuiet] = useState(presence?.doNotDisturbUntil ? asItIs : off);

  async function save(event: FormEvent) {
    event.preventDefault();
    onChoose(choice);
    onClose();
    await attempt(
      "Your status was not changed",
      client.presence.set({
        status: statusOfChoice[choice],
        customStatus: words.trim() || null,
        doNotDisturbUntil: quiet === asItIs ? undefined : endTextOf(quiet),
      }),
    );
  }

  return (
    <Dialog title="Your status" onClose={onClose}>
      <form className="form" onSubmit={(event) => void save(event)}>
        <Choices choice={choice} onChoose={setChoice} />
        <label>
          What you are doing
          <input
            type="search"
            value={words}
            onChange={(event) => setWords(event.target.value)}
            maxLength={maxCharacters}
            placeholder="In your own words, or nothing"
            autoComplete="off"
          />
        </label>
        <label>
          Do not disturb
          <select value={quiet} onChange={(event) => setQuiet(event.target.value)}>
            <option>{off}</option>
            {presence?.doNotDisturbUntil && (
              <option value={asItIs}>Until {untilOf(Date.parse(presence.doNotDisturbUntil), Date.now())}</option>
            )}
            {Object.keys(quietTimes).map((time) => (
              <option key={time}>{time}</option>
            ))}
          </select>
        </label>
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button className="button primary">Save</button>
        </div>
      </form>
    </Dialog>
  );
}

function Choices({ choice, onChoose }: { choice: Choice; onChoose: (choice: Choice) => void }) {
  const group = useId();
  return (
    <fieldset className="choices">
      <legend className="for-readers">Shown as</legend>
      {choices.map((each) => (
        <label key={each}>
          <input
            type="radio"
            name={group}
            checked={each === choice}
            data-autofocus={each === choice || undefined}
            onChange={() => onChoose(each)}
          />
          <span className="presence-dot" data-look={labels[each].look} />
          <span>{labels[each].name}</span>
          <small>{labels[each].hint}</small>
        </label>
      ))}
    </fieldset>
  );
}

/** Null where it is off. */
function endTextOf(quiet: string): string | null {
  const nowMs = Date.now();
  const endMs = quietTimes[quiet]?.(nowMs);
  return endMs === undefined ? null : new Date(endMs).toISOString();
}
