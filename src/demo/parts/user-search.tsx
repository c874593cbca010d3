import { useEffect, useId, useState, type KeyboardEvent } from "react";
import type { User } from "../../client/index.ts";
import { useClient } from "../../react/index.ts";
import { Avatar } from "./avatar.tsx";

export interface UserSearchProps {
  label: string;
  /** Not to be offered. */
  without: ReadonlySet<string>;
  onChoose: (user: User) => void;
}

const pauseMs = 200;

/** Finds a user by the beginning of a name or by the id. Keys as in the combobox pattern of ARIA: arrows, Enter. */
export function UserSearch({ label, without, onChoose }: UserSearchProps) {
  const id = useId();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const search = text.trim();
  const found = useUsers(search);
  const offered = found?.filter((user) => !without.has(user.id)) ?? [];
  const optionId = (user: User | undefined) => user && `${id}-${user.id}`;

  function choose(user: User) {
    setText("");
    setAt(0);
    onChoose(user);
  }

  function onKeyDown(event: KeyboardEvent) {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined && offered.length > 0) {
      event.preventDefault();
      setAt((at + step + offered.length) % offered.length);
    }
    if (event.key === "Enter" && search !== "") {
      event.preventDefault();
      if (offered[at]) choose(offered[at]);
    }
  }

  return (
    <div className="user-search">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="search"
        role="combobox"
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
        }}
        onKeyDown={onKeyDown}
        placeholder="Name or id"
        autoComplete="off"
        autoFocus
        aria-expanded={offered.length > 0}
        aria-controls={`${id}-options`}
        aria-autocomplete="list"
        aria-activedescendant={optionId(offered[at])}
      />
      <ul id={`${id}-options`} role="listbox" aria-label={label} hidden={offered.length === 0}>
        {offered.map((user, index) => (
          <li
            key={user.id}
            id={optionId(user)}
            role="option"
            aria-selected={index === at}
            // Before the field loses the focus.
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => choose(user)}
          >
            <Avatar user={user} />
            <span>{user.name}</span>
            <small>{user.id}</small>
          </li>
        ))}
      </ul>
      <p className="hint" role="status">
        {found && offered.length === 0 ? "Nobody is found by that. People are known once they have signed in." : ""}
      </p>
    </div>
  );
}

/** Undefined where nothing was asked or answered yet. */
function useUsers(search: string): readonly User[] | undefined {
  const { admin } = useClient();
  const [answer, setAnswer] = useState<{ search: string; users: readonly User[] }>();
  useEffect(() => {
    if (search === "") return undefined;
    const life = new AbortController();
    const timer = setTimeout(() => {
      admin.findUsers(search, life.signal).then(
        (users) => setAnswer({ search, users }),
        // No answer, or no longer wanted: typing on asks again.
        () => setAnswer(undefined),
      );
    }, pauseMs);
    return () => {
      clearTimeout(timer);
      life.abort();
    };
  }, [admin, search]);
  return answer?.search === search ? answer.users : undefined;
}
