import { expect, test } from "vitest";
import { createOriginCheck } from "./origins.ts";

const production = createOriginCheck({
  allowedOrigins: ["https://chat.example"],
  allowLocalhostOrigins: false,
  devLogin: false,
});
const development = createOriginCheck({ allowedOrigins: [], allowLocalhostOrigins: true, devLogin: true });

test.each([
  [undefined, "api.example", true],
  ["https://chat.example", "api.example", true],
  ["https://api.example", "api.example", true],
  ["http://api.example:4000", "api.example:4000", true],
  ["https://chat.example:8443", "api.example", false],
  ["http://chat.example", "api.example", false],
  ["https://sub.chat.example", "api.example", false],
  ["https://api.example.evil.example", "api.example", false],
  ["http://localhost:5173", "api.example", false],
  ["null", "api.example", false],
  ["", "api.example", false],
  ["https://api.example", undefined, false],
])("in production the origin %j may ask %j: %j", (origin, host, allowed) => {
  expect(production(origin, host)).toBe(allowed);
});

test.each([
  [undefined, "localhost:4000", true],
  ["http://localhost:5173", "localhost:4000", true],
  ["http://127.0.0.1:5173", "127.0.0.1:4000", true],
  ["http://[::1]:5173", "[::1]:4000", true],
  ["http://app.localhost:5173", "localhost:4000", true],
  ["http://192.168.1.7:4000", "192.168.1.7:4000", true],
  ["http://192.168.1.8:4000", "192.168.1.7:4000", false],
  ["http://rebound.example:4000", "rebound.example:4000", false],
  ["http://localhost.evil.example", "localhost:4000", false],
  ["null", "localhost:4000", false],
])("with the dev login the origin %j may ask %j: %j", (origin, host, allowed) => {
  expect(development(origin, host)).toBe(allowed);
});
