import { useEffect, useRef, useState, type FormEvent, type KeyboardEvent } from "react";
import type { Message } from "../../client/index.ts";
import type { RoomView } from "../../react/index.ts";
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
  onIntentDone: () => void;
  onEditLast: () => void;
}

const maxCharacters = 8_000;
const warnFromCharacters = 7_500;

/** Where messages are written: Enter sends, Shift+Enter begins a line, the up arrow in an empty field edits the last one, Escape gives up. */
export function Composer({ roomId, view, intent, onIntentDone, onEditLast, ...typing }: ComposerProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const [draft, setDraft] = useDraft(roomId);
  const [edited, setEdited] = useState("");
  const isEditing = intent?.kind === "edit";
  const text = isEditing ? edited : draft;
  const characters = Array.from(text.trim()).length;
  const canSend = characters > 0 && characters <= maxCharacters;

  useEffect(() => {
    if (intent?.kind === "edit") setEdited(intent.message.content ?? "");
    if (intent) field.current?.focus();
  }, [intent]);

  function submit(event?: FormEvent) {
    event?.preventDefault();
    if (!canSend) return;
    if (isEditing) save(intent.message);
    else send();
    field.current?.focus();
  }

  function send() {
    const content = draft.trim();
    const replyToId = intent?.message.id;
    setDraft("");
    onIntentDone();
    view.send(replyToId === undefined ? { content } : { content, replyToId }).catch((error: Error) => {
      // Not lost: it is in the field again.
      setDraft(content);
      toast(`The message could not be kept to be sent: ${error.message}`);
    });
  }

  function save(message: Message) {
    const content = edited.trim();
    onIntentDone();
    if (content !== message.content) void attempt("The message was not changed", view.edit(message.id, content));
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
    if (event.key === "Escape" && intent) onIntentDone();
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
            onClick={onIntentDone}
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
        aria-label="Message"
        placeholder="Write a message"
        rows={1}
        autoFocus={matchMedia("(pointer: fine)").matches}
        enterKeyHint="send"
      />
      {characters > warnFromCharacters && (
        <output className={characters > maxCharacters ? "error" : "hint"}>{maxCharacters - characters}</output>
      )}
      <button className="icon-button send" aria-label={isEditing ? "Save" : "Send"} disabled={!canSend}>
        <SendIcon />
      </button>
    </form>
  );
}

/** What was written and not sent stays in the tab, also when another room is opened or the page is loaded again. */
function useDraft(roomId: string): [string, (text: string) => void] {
  const key = `causerie/draft/${roomId}`;
  const [draft, setDraft] = useState(() => sessionStorage.getItem(key) ?? "");
  return [
    draft,
    (text) => {
      setDraft(text);
      if (text === "") sessionStorage.removeItem(key);
      else sessionStorage.setItem(key, text);
    },
  ];
}
