import { loadSession, saveSession, signInByName, signInByToken, signInMode, type Session } from "../session.ts";
import { createFetcher } from "./fetcher.ts";
import { loadGraphiql } from "./load.ts";

const form = document.querySelector<HTMLFormElement>("#sign-in")!;
const field = form.querySelector("input")!;
const status = form.querySelector("output")!;
const place = document.querySelector<HTMLElement>("#graphiql")!;

const mode = signInMode();
let session = loadSession();
const fetcher = createFetcher(() => session?.token);

if (mode === "token") {
  field.labels![0]!.firstChild!.textContent = "Token ";
  field.removeAttribute("maxlength");
  field.autocomplete = "off";
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  status.textContent = "Signing in…";
  const text = field.value.trim();
  const signingIn = mode === "name" ? signInByName(text) : signInByToken(text);
  signingIn.then(begin, (error: Error) => {
    status.textContent = error.message;
  });
});

if (session) begin(session);
else place.textContent = `Sign in to begin${mode === "name" ? ": any name will do" : ""}.`;

function begin(signedIn: Session): void {
  session = signedIn;
  saveSession(signedIn);
  fetcher.reconnect();
  field.value = mode === "name" ? signedIn.name : "";
  status.textContent = `Signed in as ${signedIn.name} (${signedIn.userId})`;
  loadGraphiql(place, fetcher.fetch).catch((error: unknown) => {
    place.textContent = `GraphiQL could not be loaded: ${String(error)}`;
  });
}
