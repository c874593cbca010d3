import type { Member } from "../../client/index.ts";

type Role = Member["role"];

export const roleNames: Readonly<Record<Role, string>> = { MEMBER: "Member", ADMIN: "Admin", OWNER: "Owner" };
export const roles = Object.keys(roleNames) as Role[];

/** May rename the room, add people and remove plain members. */
export function isManager(member: Member | undefined): boolean {
  return member?.role === "OWNER" || member?.role === "ADMIN";
}

/** Others; of oneself it is called leaving. */
export function mayRemove(own: Member | undefined, member: Member): boolean {
  return member.id !== own?.id && (own?.role === "OWNER" || (isManager(own) && member.role === "MEMBER"));
}
