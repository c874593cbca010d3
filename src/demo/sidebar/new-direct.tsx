import type { User } from "../../client/index.ts";
import { useClient } from "../../react/index.ts";
import { Dialog } from "../parts/dialog.tsx";
import { attempt } from "../parts/toasts.tsx";
import { UserSearch } from "../parts/user-search.tsx";
import { goToRoom } from "../route.ts";

/** Opens the one direct room with whoever is chosen. */
export function NewDirectDialog({ onClose }: { onClose: () => void }) {
  const { admin, userId } = useClient();

  async function open(user: User) {
    onClose();
    const room = await attempt(`No room with ${user.name}`, admin.openDirectRoom(user.id));
    if (room) goToRoom(room.id);
  }

  return (
    <Dialog title="New message" onClose={onClose}>
      <UserSearch label="To" without={new Set([userId])} onChoose={(user) => void open(user)} />
    </Dialog>
  );
}
