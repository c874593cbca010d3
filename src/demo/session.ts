/** Who this tab is signed in as. Each tab has its own: a second one can be somebody else. */
export interface Session {
  /** How the user signed in, and so how a new token is had. */
  by: "name" | "token";
  token: string;
  userId: string;
  name: string;
}

const key = "causerie/session";
const requestTimeoutMs = 10_000;

/** What this server asks for: a name while it is tried out, a token of the identity provider otherwise. */
export function signInMode(): Session["by"] {
  return document.querySelector<HTMLMetaElement>('meta[name="causerie-sign-in"]')?.content === "token"
    ? "token"
    : "name";
}

/** @throws Error with a text for the user */
export async function signInByName(name: string): Promise<Session> {
  const response = await fetch("/dev/login", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name }),
    signal: AbortSignal.timeout(requestTimeoutMs),
  });
  const answer = (await response.json()) as {
    token: string;
    userId: string;
    name: string;
    error?: { message: string };
  };
  if (!response.ok) throw new Error(answer.error?.message ?? "The server refuses to sign you in.");
  const { token, userId, name: shownName } = answer;
  return { by: "name", token, userId, name: shownName };
}

/** Asks the server whose token it is. @throws Error with a text for the user */
export async function signInByToken(token: string): Promise<Session> {
  const response = await fetch("/graphql", {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: "query Viewer { viewer { id name } }" }),
    signal: AbortSignal.timeout(requestTimeoutMs),
  });
  const answer = (await response.json()) as { data?: { viewer: { id: string; name: string } }; errors?: unknown };
  if (!answer.data) throw new Error("The server does not accept this token.");
  const { id, name } = answer.data.viewer;
  return { by: "token", token, userId: id, name };
}

export function loadSession(): Session | undefined {
  const text = sessionStorage.getItem(key);
  if (text === null) return undefined;
  try {
    const session = JSON.parse(text) as Session;
    return session.by === signInMode() ? session : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Somebody else's entry: as if there were none.
    return undefined;
  }
}

export function saveSession(session: Session): void {
  sessionStorage.setItem(key, JSON.stringify(session));
}

export function forgetSession(): void {
  sessionStorage.removeItem(key);
}
