import { expect, test } from "vitest";
import { clientAddress } from "./client-address.ts";

function request(forwardedFor?: string) {
  const headers = forwardedFor === undefined ? {} : { "x-forwarded-for": forwardedFor };
  return { headers, socket: { remoteAddress: "10.0.0.1" } } as Parameters<typeof clientAddress>[0];
}

test("without a proxy of ours nobody can say to come from elsewhere", () => {
  expect(clientAddress(request("192.0.2.7"), 0)).toBe("10.0.0.1");
});

test("with one the last address counts: the proxy wrote it, the client those before", () => {
  expect(clientAddress(request("198.51.100.1, 192.0.2.7"), 1)).toBe("192.0.2.7");
});

test("with two it is the one before the last", () => {
  expect(clientAddress(request("203.0.113.9, 192.0.2.7, 10.0.0.2"), 2)).toBe("192.0.2.7");
});

test("a request that came past the proxies comes from where it came from", () => {
  expect(clientAddress(request(), 1)).toBe("10.0.0.1");
  expect(clientAddress(request("192.0.2.7"), 2)).toBe("10.0.0.1");
});
