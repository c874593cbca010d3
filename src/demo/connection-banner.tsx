import { useEffect, useRef, useState } from "react";
import type { ConnectionState } from "../client/index.ts";
import { useClient, useConnectionState, useObservable } from "../react/index.ts";
import { Dialog } from "./parts/dialog.tsx";
import type { Session } from "./session.ts";
import { SignInForm } from "./sign-in.tsx";

const backShownMs = 3_000;

/** Whether what is shown is current, and what waits to be sent meanwhile. Nothing while all is well. */
export function ConnectionBanner({
  session,
  onNewToken,
}: {
  session: Session;
  onNewToken: (session: Session) => void;
}) {
  const client = useClient();
  const { status, reason } = useConnectionState();
  const isBack = useIsBack(status);
  const [isAsking, setAsking] = useState(false);
  const waiting = useWaitingCount();
  const isShown = status !== "live" || isBack;
  const isDown = status === "offline" || status === "connecting";

  function takeToken(next: Session) {
    setAsking(false);
    onNewToken(next);
  }

  return (
    <>
      <div className="banner" data-status={status} data-shown={isShown} title={reason}>
        <span className="banner-dot" />
        {/* There before its text is: only then that is read out. */}
        <p role="status">
          {isShown && texts[status]}
          {isDown && waiting > 0 && ` ${waitingText(waiting)}`}
        </p>
        {status === "offline" && (
          <button type="button" className="button small" onClick={() => client.wake()}>
            Try now
          </button>
        )}
        {isDown && session.by === "token" && (
          <button type="button" className="button small" onClick={() => setAsking(true)}>
            New token
          </button>
        )}
      </div>
      {isAsking && (
        <Dialog title="Sign in again" onClose={() => setAsking(false)}>
          <SignInForm onSignedIn={takeToken} refused={reason} />
        </Dialog>
      )}
    </>
  );
}

const texts: Readonly<Record<ConnectionState["status"], string>> = {
  offline: "You are offline.",
  connecting: "Connecting…",
  "catching up": "Catching up…",
  live: "Back online.",
};

function waitingText(count: number): string {
  return count === 1 ? "1 message waits to be sent." : `${count} messages wait to be sent.`;
}

function useWaitingCount(): number {
  const items = useObservable(useClient().queue.items);
  return items.filter(({ status }) => status === "queued" || status === "sending").length;
}

/** For a moment after the connection was lost and came back. */
function useIsBack(status: ConnectionState["status"]): boolean {
  const wasLost = useRef(false);
  const [isBack, setBack] = useState(false);
  useEffect(() => {
    if (status === "offline") wasLost.current = true;
    if (status !== "live" || !wasLost.current) return undefined;
    wasLost.current = false;
    setBack(true);
    const timer = setTimeout(() => setBack(false), backShownMs);
    return () => {
      clearTimeout(timer);
      setBack(false);
    };
  }, [status]);
  return isBack;
}
