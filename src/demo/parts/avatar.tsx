import type { ReactNode } from "react";
import type { User } from "../../client/index.ts";

/** A user's picture, or the first letters of the name on a colour of the user's own. `children`: a dot in its corner. */
export function Avatar({ user, children }: { user: Pick<User, "id" | "name" | "avatarUrl">; children?: ReactNode }) {
  const { id, name, avatarUrl } = user;
  return (
    <span className="avatar" style={{ backgroundColor: colourOf(id) }}>
      {avatarUrl === null ? <span aria-hidden="true">{lettersOf(name)}</span> : <img src={avatarUrl} alt="" />}
      {children}
    </span>
  );
}

/** Of a room that is not one person's. */
export function RoomAvatar({ id, name }: { id: string; name: string }) {
  return <Avatar user={{ id, name: name.replace(/\s.*/, ""), avatarUrl: null }} />;
}

/** Dark enough for white letters whatever the hue (4.5:1). */
function colourOf(id: string): string {
  let hash = 0;
  for (const character of id) hash = (hash * 31 + character.codePointAt(0)!) % 360;
  return `oklch(0.5 0.09 ${hash})`;
}

function lettersOf(name: string): string {
  const words = name.trim().split(/\s+/);
  const initials = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  return initials.map((word) => Array.from(word ?? "")[0]?.toUpperCase() ?? "").join("");
}
