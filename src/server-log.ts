import { pino, stdSerializers, type Logger } from "pino";
import type { LogLevel } from "./config.ts";

/** Of an error. What else one has may hold data: Postgres puts the row that it refuses into `detail`. */
const kept = new Set(["type", "message", "stack", "code", "severity", "table", "column", "constraint", "routine"]);
for (const field of ["errno", "syscall", "address", "port", "reason"]) kept.add(field);
/** SQLSTATE class 22, data exceptions: the message itself repeats the value. */
const isOfData = (code: unknown) => typeof code === "string" && /^22[0-9A-Z]{3}$/.test(code);

/** The server's log. No token, variable or content is to get into it, whatever fails. */
export function createLog(level: LogLevel, destination?: NodeJS.WritableStream): Logger {
  const options = { level, serializers: { err: tellError } };
  return destination ? pino(options, destination) : pino(options);
}

function tellError(error: Error): object {
  const told = stdSerializers.err(error);
  if (!(error instanceof Error)) return told;
  const fields = Object.entries(told).filter(([name]) => kept.has(name));
  if (!isOfData(told.code)) return Object.fromEntries(fields);
  const message = `Postgres refused a value (${told.code as string})`;
  const whole = error.stack ?? "";
  const stack = whole.slice(whole.indexOf(error.message) + error.message.length).trimStart();
  return { ...Object.fromEntries(fields), message, stack };
}
