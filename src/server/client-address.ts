import type { IncomingMessage } from "node:http";

/**
 * The address a request comes from. Each proxy appends to X-Forwarded-For whom it got the request from, so with n proxies
 * of our own the n-th from the end is the client; what stands before it anybody may have written.
 */
export function clientAddress(request: Pick<IncomingMessage, "headers" | "socket">, trustedProxies: number) {
  const direct = request.socket.remoteAddress;
  if (trustedProxies === 0) return direct;
  const told = String(request.headers["x-forwarded-for"] ?? "").split(",");
  // Fewer than there are proxies: it came past them.
  return told.at(-trustedProxies)?.trim() || direct;
}
