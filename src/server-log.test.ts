import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { createLog } from "./server-log.ts";

function logged(err: unknown): string {
  let text = "";
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  });
  createLog("info", output).error({ err }, "fault");
  return text;
}

test("of an error the log keeps what it is, not the data in it", () => {
  const error = Object.assign(new Error("violates a constraint"), { code: "23514", detail: "Failing row (secret)" });
  expect(logged(error)).toMatch(/violates a constraint.*23514/);
  expect(logged(error)).not.toContain("secret");
});

test("a message that repeats a value is left out, the place is not", () => {
  const error = Object.assign(new Error('invalid input syntax for type uuid: "secret\n    at secret"'), {
    code: "22P02",
  });
  expect(logged(error)).toMatch(/22P02.*server-log\.test/);
  expect(logged(error)).not.toContain("secret");
});

test("what is thrown and is no error is told as it is", () => {
  expect(logged("just a text")).toContain("just a text");
});
