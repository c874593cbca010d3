import { useState } from "react";
import { Chat } from "./chat.tsx";
import { forgetSession, loadSession, saveSession, type Session } from "./session.ts";
import { SignIn } from "./sign-in.tsx";

/** The whole page: the sign-in, then the chat of that user. */
export function App() {
  const [session, setSession] = useState(loadSession);

  function begin(signedIn: Session) {
    saveSession(signedIn);
    setSession(signedIn);
  }

  function end() {
    forgetSession();
    setSession(undefined);
  }

  if (!session) return <SignIn onSignedIn={begin} />;
  return <Chat key={session.userId} session={session} onNewToken={begin} onSignOut={end} />;
}
