import type { Config } from "./config.ts";

/** What the start says of where to go next. */
export function welcome(
  url: string,
  { devLogin, persistedOperationsFile }: Pick<Config, "devLogin" | "persistedOperationsFile">,
): string {
  const signIn = devLogin
    ? `  Sign-in    POST ${url}/dev/login {"name": "…"} gives a token; for trying out only\n`
    : "";
  // It asks what is in no file.
  const graphiql = persistedOperationsFile === null ? `  GraphiQL   ${url}/graphql\n` : "";
  return `\nCauserie is up: open ${url} in a browser to chat.\n${graphiql}${signIn}  Health     ${url}/readyz\n\n`;
}
