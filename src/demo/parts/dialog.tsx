import { useId, useLayoutEffect, useRef, type MouseEvent, type ReactNode } from "react";
import { CloseIcon } from "./icons.tsx";

/** A dialog over the page, shown for as long as it is rendered: Escape, the cross and a click beside it close it. */
export function Dialog({ title, children, onClose }: { title: string; children: ReactNode; onClose: () => void }) {
  const titleId = useId();
  const dialog = useRef<HTMLDialogElement>(null);

  // A layout effect: it is closed while it is still in the document, else the focus does not go back to where it was.
  useLayoutEffect(() => {
    const element = dialog.current!;
    // By the page itself, not by an attribute: only then the rest of the page is out of reach.
    element.showModal();
    // Else it would be the cross. React's autoFocus comes too early: the dialog is not shown by then.
    const first = element.querySelector<HTMLElement>("[data-autofocus]") ?? element.querySelector("input, textarea");
    first?.focus();
    return () => element.close();
  }, []);

  function closeFromBeside(event: MouseEvent) {
    if (event.target === dialog.current) onClose();
  }

  return (
    <dialog
      ref={dialog}
      className="dialog"
      aria-labelledby={titleId}
      onMouseDown={closeFromBeside}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <div className="dialog-body">
        <div className="dialog-head">
          <h2 id={titleId}>{title}</h2>
          <button type="button" className="icon-button" aria-label="Close" onClick={onClose}>
            <CloseIcon />
          </button>
        </div>
        {children}
      </div>
    </dialog>
  );
}

/** Asks before something that cannot be undone. */
export function ConfirmDialog(props: {
  title: string;
  text: string;
  action: string;
  onConfirm: () => void;
  onClose: () => void;
}) {
  const { title, text, action, onConfirm, onClose } = props;
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{text}</p>
      <div className="dialog-actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          className="button danger"
          data-autofocus
          onClick={() => {
            onClose();
            onConfirm();
          }}
        >
          {action}
        </button>
      </div>
    </Dialog>
  );
}
