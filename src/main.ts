import { startApp } from "./app.ts";
import { ConfigError, readConfig } from "./config.ts";
import { leaveOnSignal } from "./leave.ts";
import { welcome } from "./welcome.ts";

const exitCodeOfBadSettings = 2;

try {
  const config = readConfig();
  const app = await startApp(config);
  // What was committed is safe whatever happens here: one forgotten promise is no reason to send all clients away.
  process.on("unhandledRejection", app.onFault);
  process.stdout.write(welcome(app.url, config));
  await leaveOnSignal(app.close);
} catch (error) {
  process.stderr.write(`${error instanceof ConfigError ? error.problems.join("\n") : (error as Error).message}\n`);
  process.exitCode = error instanceof ConfigError ? exitCodeOfBadSettings : 1;
}
