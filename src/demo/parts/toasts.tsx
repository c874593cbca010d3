import { createVariable, type Outcome } from "../../client/index.ts";
import { useObservable } from "../../react/index.ts";
import { CloseIcon } from "./icons.tsx";

type Toast = { id: number; text: string };

const shownMs = 8_000;
const maxShown = 3;
const toasts = createVariable<readonly Toast[]>([]);
let lastId = 0;

/** Shows a text for a while, and has it read out. */
export function toast(text: string): void {
  const id = ++lastId;
  toasts.set([...toasts.get(), { id, text }].slice(-maxShown));
  setTimeout(() => dismiss(id), shownMs);
}

/** What came of a change; where it did not come about, says why and gives undefined. */
export async function attempt<Value>(what: string, work: Promise<Outcome<Value>>): Promise<Value | undefined> {
  try {
    const outcome = await work;
    if (outcome.ok) return outcome.value;
    toast(`${what}: ${outcome.message}`);
  } catch (error) {
    toast(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return undefined;
}

export function Toasts() {
  return (
    <div className="toasts" role="status">
      {useObservable(toasts).map(({ id, text }) => (
        <p className="toast" key={id}>
          {text}
          <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => dismiss(id)}>
            <CloseIcon />
          </button>
        </p>
      ))}
    </div>
  );
}

function dismiss(id: number): void {
  toasts.set(toasts.get().filter((shown) => shown.id !== id));
}
