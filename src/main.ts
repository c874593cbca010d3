import { startApp } from "./app.ts";
import { ConfigError, readConfig } from "./config.ts";
import { leaveOnSignal } from "./leave.ts";

const exitCodeOfBadSettings = 2;

try {
  const config = readConfig();
  const app = await startApp(config);
  // What was committed is safe whatever happens here: one forgotten promise is no reason to send all clients away.
  process.on("unhandledRejection", app.onFault);
  process.stdout.write(welcome(app.url, config.devLogin));
  await leaveOnSignal(app.close);
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.problems.join("\n") : (error as Error).message}\n`);
  process.exitCode = error instanceof ConfigError ? exitCodeOfBadSettings : 1;
}

function welcome(url: string, devLogin: boolean): string {
  const signIn = devLogin
    ? `  Sign-in    POST ${url}/dev/login {"name": "…"} gives a token; for trying out only\n`
    : "";
  return `\nCauserie is up: open ${url} in a browser to chat.\n  GraphiQL   ${url}/graphql\n${signIn}  Health     ${url}/readyz\n\n`;
}
