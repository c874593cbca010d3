import { useState, type FormEvent } from "react";
import type { User } from "../../client/index.ts";
import { useClient } from "../../react/index.ts";
import { Avatar } from "../parts/avatar.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { CloseIcon } from "../parts/icons.tsx";
import { attempt } from "../parts/toasts.tsx";
import { UserSearch } from "../parts/user-search.tsx";
import { goToRoom } from "../route.ts";

/** Makes a room with a name and the people chosen. */
export function NewRoomDialog({ onClose }: { onClose: () => void }) {
  const { admin, userId } = useClient();
  const [name, setName] = useState("");
  const [people, setPeople] = useState<readonly User[]>([]);
  const [isBusy, setBusy] = useState(false);

  async function create(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    const input = { name: name.trim(), memberIds: people.map(({ id }) => id) };
    const room = await attempt("The room was not made", admin.createRoom(input));
    setBusy(false);
    if (!room) return;
    onClose();
    goToRoom(room.id);
  }

  return (
    <Dialog title="New room" onClose={onClose}>
      <form className="form" onSubmit={(event) => void create(event)}>
        <label>
          Name
          <input value={name} onChange={(event) => setName(event.target.value)} required maxLength={100} />
        </label>
        <UserSearch
          label="People"
          without={new Set([userId, ...people.map(({ id }) => id)])}
          onChoose={(user) => setPeople([...people, user])}
        />
        <ul className="chips">
          {people.map((user) => (
            <li key={user.id}>
              <Avatar user={user} />
              {user.name}
              <button
                type="button"
                className="icon-button"
                aria-label={`Leave out ${user.name}`}
                onClick={() => setPeople(people.filter(({ id }) => id !== user.id))}
              >
                <CloseIcon />
              </button>
            </li>
          ))}
        </ul>
        <div className="dialog-actions">
          <button className="button primary" disabled={isBusy || name.trim() === ""}>
            Make the room
          </button>
        </div>
      </form>
    </Dialog>
  );
}
