import { useId, useState, type FormEvent } from "react";
import { Logo } from "./parts/icons.tsx";
import { signInByName, signInByToken, signInMode, type Session } from "./session.ts";

/** Asks for a name while the server is tried out, else for a token of the identity provider. */
export function SignIn({ onSignedIn }: { onSignedIn: (session: Session) => void }) {
  return (
    <main className="sign-in">
      <div className="sign-in-card">
        <Logo />
        <h1>Causerie</h1>
        <SignInForm onSignedIn={onSignedIn} />
      </div>
    </main>
  );
}

/** `refused`: why what was signed in with before is no longer taken. */
export function SignInForm({ onSignedIn, refused }: { onSignedIn: (session: Session) => void; refused?: string }) {
  const mode = signInMode();
  const errorId = useId();
  const [text, setText] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState(refused);

  async function submit(event: FormEvent) {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      onSignedIn(mode === "name" ? await signInByName(text.trim()) : await signInByToken(text.trim()));
    } catch (failure) {
      setError(textOf(failure));
      setBusy(false);
    }
  }

  return (
    <form className="form" onSubmit={(event) => void submit(event)}>
      <label>
        {mode === "name" ? "Your name" : "Your token"}
        {mode === "name" ? (
          <input
            value={text}
            onChange={(event) => setText(event.target.value)}
            required
            maxLength={50}
            autoFocus
            autoComplete="username"
            aria-describedby={errorId}
          />
        ) : (
          <textarea
            value={text}
            onChange={(event) => setText(event.target.value)}
            required
            rows={4}
            autoFocus
            autoComplete="off"
            spellCheck={false}
            aria-describedby={errorId}
          />
        )}
      </label>
      <p className="hint">
        {mode === "name"
          ? "Any name will do: this server is being tried out. Open a second tab with another name to chat with yourself."
          : "A JSON Web Token of your identity provider."}
      </p>
      <p className="error" id={errorId} role="alert">
        {error}
      </p>
      <button className="button primary" disabled={isBusy}>
        {isBusy ? "Signing in…" : "Sign in"}
      </button>
    </form>
  );
}

function textOf(failure: unknown): string {
  // What fetch throws where there is no answer.
  if (failure instanceof TypeError || failure instanceof DOMException) return "The server cannot be reached.";
  return failure instanceof Error ? failure.message : String(failure);
}
