import type { ReactNode } from "react";

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg className="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

/** Lines of one width, drawn in the colour of the text. */
function lines(path: string) {
  return () => (
    <Icon>
      <path d={path} />
    </Icon>
  );
}

export const BackIcon = lines("M15 5l-7 7 7 7");
export const ClockIcon = lines("M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17ZM12 7v5.5l3.5 2");
export const CloseIcon = lines("M6 6l12 12M18 6L6 18");
export const DownIcon = lines("M12 5v14M6 13l6 6 6-6");
export const EditIcon = lines("M4 20h4L19 9l-4-4L4 16zM13 7l4 4");
export const LeaveIcon = lines("M10 4H5v16h5M14 8l4 4-4 4M18 12H9");
export const PeopleIcon = lines(
  "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.5c2.2.8 3.5 2.8 3.5 5.5",
);
export const PersonIcon = lines("M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM4.5 20.5c0-4 3.4-6.5 7.5-6.5s7.5 2.5 7.5 6.5");
export const PlusIcon = lines("M12 5v14M5 12h14");
export const ReplyIcon = lines("M10 7L4 12l6 5M4 12h10c3.5 0 6 2 6 6");
export const SendIcon = lines("M5 12h14M13 6l6 6-6 6");
export const TrashIcon = lines("M4 7h16M9 7V4h6v3M6.5 7l1 13h9l1-13M10 11v5M14 11v5");

export function Logo() {
  return (
    <svg className="logo" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path d="M7 4h18a5 5 0 0 1 5 5v9a5 5 0 0 1-5 5h-8l-7 6v-6H7a5 5 0 0 1-5-5V9a5 5 0 0 1 5-5Z" />
      <circle cx="10" cy="13.5" r="2" />
      <circle cx="16" cy="13.5" r="2" />
      <circle cx="22" cy="13.5" r="2" />
    </svg>
  );
}
