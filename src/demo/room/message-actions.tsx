import { EditIcon, ReplyIcon, TrashIcon } from "../parts/icons.tsx";

export interface MessageActionsProps {
  onReply: () => void;
  /** Only of one's own message. */
  onEdit: (() => void) | undefined;
  onDelete: (() => void) | undefined;
}

/** What can be done with a message; shown while it is pointed at or has the focus. */
export function MessageActions({ onReply, onEdit, onDelete }: MessageActionsProps) {
  return (
    <div className="actions" role="toolbar" aria-label="Message">
      <button type="button" className="icon-button" aria-label="Reply" title="Reply (R)" onClick={onReply}>
        <ReplyIcon />
      </button>
      {onEdit && (
        <button type="button" className="icon-button" aria-label="Edit" title="Edit (E)" onClick={onEdit}>
          <EditIcon />
        </button>
      )}
      {onDelete && (
        <button type="button" className="icon-button" aria-label="Delete" title="Delete (Del)" onClick={onDelete}>
          <TrashIcon />
        </button>
      )}
    </div>
  );
}
