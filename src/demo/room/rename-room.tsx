import { useState, type FormEvent } from "react";
import type { RoomSummary } from "../../client/index.ts";
import { useClient } from "../../react/index.ts";
import { Dialog } from "../parts/dialog.tsx";
import { attempt } from "../parts/toasts.tsx";
import { nameOf } from "../sidebar/room-list.tsx";

/** Stays open where the server refuses the name. */
export function RenameRoomDialog({ room, onClose }: { room: RoomSummary; onClose: () => void }) {
  const { admin } = useClient();
  const [name, setName] = useState(nameOf(room));
  const [isBusy, setBusy] = useState(false);

  async function rename(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    const renamed = await attempt("The room keeps its name", admin.updateRoom({ roomId: room.id, name: name.trim() }));
    setBusy(false);
    if (renamed) onClose();
  }

  return (
    <Dialog title="Rename the room" onClose={onClose}>
      <form className="form" onSubmit={(event) => void rename(event)}>
        <label>
          Name
          <input value={name} onChange={(event) => setName(event.target.value)} required maxLength={100} />
        </label>
        <div className="dialog-actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button className="button primary" disabled={isBusy || name.trim() === ""}>
            Rename
          </button>
        </div>
      </form>
    </Dialog>
  );
}
