import { expect, test } from "vitest";
import { parseRedisUrl } from "./redis-url.ts";

const plain = { masterName: "", db: 0, username: undefined, password: undefined, tls: false };

test.each([
  ["redis://cache", { kind: "single", hosts: [{ host: "cache", port: 6379 }] }],
  ["rediss://cache:1/2", { kind: "single", hosts: [{ host: "cache", port: 1 }], db: 2, tls: true }],
  ["redis://[::1]:7000/", { kind: "single", hosts: [{ host: "::1", port: 7000 }] }],
  ["redis://:s%40y%2F:x@h", { kind: "single", hosts: [{ host: "h", port: 6379 }], password: "s@y/:x" }],
  ["redis://me:pw@h", { kind: "single", hosts: [{ host: "h", port: 6379 }], username: "me", password: "pw" }],
  [
    "redis+sentinel://a,b:1/chat/3",
    {
      kind: "sentinel",
      hosts: [
        { host: "a", port: 26_379 },
        { host: "b", port: 1 },
      ],
      masterName: "chat",
      db: 3,
    },
  ],
  [
    "redis+cluster://a:1,b:2",
    {
      kind: "cluster",
      hosts: [
        { host: "a", port: 1 },
        { host: "b", port: 2 },
      ],
    },
  ],
  ["rediss+cluster://a", { kind: "cluster", hosts: [{ host: "a", port: 6379 }], tls: true }],
])("%s is understood", (url, expected) => {
  expect(parseRedisUrl(url)).toEqual({ ...plain, ...expected });
});

test.each([
  "",
  "cache:6379",
  "http://cache",
  "redis://",
  "redis://cache:0",
  "redis://cache:65536",
  "redis://cache:port",
  "redis://a,b",
  "redis://a/x",
  "redis://a/1/2",
  "redis://a?tls=true",
  "redis://user@a",
  "redis://:100%@a",
  "redis+sentinel://a",
  "redis+sentinel://a/",
  "redis+cluster://a/1",
  "redis+cluster://a,,b",
  "redis+ring://a",
])("%s is refused by an error that names REDIS_URL", (url) => {
  expect(() => parseRedisUrl(url)).toThrow(/^REDIS_URL: /);
});

test("an error shows nothing of the URL", () => {
  expect(() => parseRedisUrl("redis://:secret@cache:port")).toThrow(/^(?!.*(secret|cache:port))/s);
});
