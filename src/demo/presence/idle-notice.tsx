import { useIdle } from "../../react/index.ts";

/** Shows the user as away while they do nothing, and says so before; whatever they do takes it back. */
export function IdleNotice() {
  const state = useIdle();
  return (
    <div role="status">
      {state === "warned" && (
        <p className="idle-notice">
          <strong>Still there?</strong> In a minute you are shown as away.
        </p>
      )}
    </div>
  );
}
