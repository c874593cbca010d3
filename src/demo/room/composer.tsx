import { useEffect, useId, useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import type { Message } from "../../client/index.ts";
import { useClient, type RoomView } from "../../react/index.ts";
import { CloseIcon, SendIcon } from "../parts/icons.tsx";
import { attempt, toast } from "../parts/toasts.tsx";
import { Quote } from "./quote.tsx";

/** What is written answers a message, or is to take its place. */
export type Intent = { kind: "reply" | "edit"; message: Message };

export interface ComposerProps {
  roomId: string;
  view: RoomView;
  intent: Intent | undefined;
  onInput: () => void;
  onCleared: () => void;
  onIntentDone: (intent: Intent) => void;
  onEditLast: () => void;
}

const maxCharacters = 8_000;
const warnFromCharacters = 7_500;

/** Where messages are written: Enter sends, Shift+Enter begins a line, the up arrow in an empty field edits the last one, Escape gives up. */
export function Composer({ roomId, view, intent, onIntentDone, onEditLast, ...typing }: ComposerProps) {
  const { userId } = useClient();
  const field = useRef<HTMLTextAreaElement>(null);
  const lengthId = useId();
  const { draft, setDraft, handOver } = useDraft(`causerie/draft/${userId}/${roomId}`);
  const [edited, setEdited] = useState("");
  const [saving, setSaving] = useState<Intent>();
  const isEditing = intent?.kind === "edit";
  const isSaving = isEditing && saving === intent;
  const text = isEditing ? edited : draft;
  const characters = Array.from(text.trim()).length;
  const isTooLong = characters > maxCharacters;
  const canSend = characters > 0 && !isTooLong && !isSaving;

  useEffect(() => {
    if (intent?.kind === "edit") setEdited(intent.message.content ?? "");
    if (intent) field.current?.focus();
  }, [intent]);

  function submit(event?: FormEvent) {
    event?.preventDefault();
    if (!canSend) return;
    if (isEditing) void save(intent);
    else send();
    field.current?.focus();
  }

  function send() {
    const content = draft.trim();
    const replyToId = intent?.message.id;
    if (intent) onIntentDone(intent);
    handOver(view.send(replyToId === undefined ? { content } : { content, replyToId })).catch((error: Error) =>
      toast(`The message could not be kept to be sent: ${error.message}`),
    );
  }

  /** What was written stays in the field until the server has it. */
  async function save(edit: Intent) {
    const { id, content } = edit.message;
    const next = edited.trim();
    if (next === content) return onIntentDone(edit);
    setSaving(edit);
    const changed = await attempt("The message was not changed", view.edit(id, next));
    setSaving((now) => (now === edit ? undefined : now));
    if (changed) onIntentDone(edit);
  }

  function write(next: string) {
    if (isEditing) return setEdited(next);
    setDraft(next);
    if (next.trim() === "") typing.onCleared();
    else typing.onInput();
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) submit(event);
    if (event.key === "Escape" && intent) onIntentDone(intent);
    if (event.key === "ArrowUp" && text === "" && !intent) {
      event.preventDefault();
      onEditLast();
    }
  }

  return (
    <form className="composer" onSubmit={submit}>
      {intent && (
        <div className="intent">
          <span>{isEditing ? "Edit" : "Reply to"}</span>
          <Quote message={intent.message} />
          <button
            type="button"
            className="icon-button"
            aria-label={isEditing ? "Do not edit" : "Do not reply"}
            onClick={() => onIntentDone(intent)}
          >
            <CloseIcon />
          </button>
        </div>
      )}
      <textarea
        ref={field}
        value={text}
        onChange={(event) => write(event.target.value)}
        onKeyDown={onKeyDown}
        readOnly={isSaving}
        aria-label="Message"
        aria-describedby={lengthId}
        aria-invalid={isTooLong}
        placeholder="Write a message"
        rows={1}
        autoFocus={matchMedia("(pointer: fine)").matches}
        enterKeyHint="send"
      />
      <output className={isTooLong ? "error" : "hint"} id={lengthId}>
        {characters > warnFromCharacters && lengthText(characters)}
      </output>
      <button className="icon-button send" aria-label={isEditing ? "Save" : "Send"} disabled={!canSend}>
        <SendIcon />
      </button>
    </form>
  );
}

function lengthText(characters: number): string {
  const left = maxCharacters - characters;
  const count = `${Math.abs(left).toLocaleString("en-GB")} ${Math.abs(left) === 1 ? "character" : "characters"}`;
  return left < 0
    ? `${count} too many: a message has at most ${maxCharacters.toLocaleString("en-GB")}.`
    : `${count} left`;
}

/** What was written and not sent stays in the tab, also when another room is opened or the page is loaded again. */
function useDraft(key: string) {
  const read = () => sessionStorage.getItem(key) ?? "";
  const [draft, show] = useState(read);

  function setDraft(text: string) {
    show(text);
    if (text === "") sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, text);
  }

  /** The field is empty at once. The tab forgets the text once it is kept elsewhere; else it comes back, before what was written meanwhile. */
  async function handOver(kept: Promise<unknown>) {
    show("");
    try {
      await kept;
      if (read() === draft) sessionStorage.removeItem(key);
    } catch (error) {
      const later = read() === draft ? "" : read();
      setDraft([draft.trim(), later].filter((part) => part !== "").join("\n"));
      throw error;
    }
  }

  return { draft, setDraft, handOver };
}
