import { isIP } from "node:net";

/** Whether a page of this origin may talk to the server, which was asked for by the name in `Host`. */
export type OriginCheck = (origin: string | undefined, host: string | undefined) => boolean;

/**
 * Browsers send an Origin: it must be this server's own, or a listed one. Programs send none.
 *
 * With the dev login anybody can sign in as anybody, so there the server's own name does not count if a name server could
 * have made it up: a stranger's page could have its own name point to this machine (DNS rebinding).
 */
export function createOriginCheck({
  allowedOrigins,
  allowLocalhostOrigins,
  devLogin,
}: {
  allowedOrigins: readonly string[];
  allowLocalhostOrigins: boolean;
  devLogin: boolean;
}): OriginCheck {
  const allowed = new Set(allowedOrigins);
  return (origin, host) => {
    if (origin === undefined || allowed.has(origin)) return true;
    const url = URL.parse(origin);
    if (!url) return false;
    if (allowLocalhostOrigins && isLocalhost(url.hostname)) return true;
    return url.host === host && (!devLogin || isLocalhost(url.hostname) || isAddress(url.hostname));
  };
}

const isLocalhost = (name: string) =>
  name === "localhost" || name.endsWith(".localhost") || name === "127.0.0.1" || name === "[::1]";
const isAddress = (name: string) => isIP(name.replace(/^\[|\]$/g, "")) !== 0;
