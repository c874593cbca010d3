import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { testSecret } from "./app.ts";

export const operatorToken = "a-token-of-the-operator-long-enough-to-guess";

/** What the server answers an operator, line by line. */
export async function asOperator(
  app: { url: string },
  action: string,
  userId: string,
  token = operatorToken,
): Promise<{ status: number; lines: Record<string, unknown>[] }> {
  const response = await fetch(`${app.url}/operator/${action}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({ userId }),
  });
  const text = await response.text();
  const lines = text.split("\n").filter((line) => line !== "");
  return { status: response.status, lines: lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

const program = fileURLToPath(new URL("../../src/operator.ts", import.meta.url));

/** The command, with the settings of a test's server. Rejects with its output where it fails. */
export function operatorCommand(
  args: string[],
  env: Record<string, string>,
): Promise<{ stdout: string; stderr: string }> {
  return promisify(execFile)(process.execPath, [program, ...args], {
    env: { PATH: process.env.PATH, JWT_SECRET: testSecret, OPERATOR_TOKEN: operatorToken, ...env },
  });
}
