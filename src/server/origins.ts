export type OriginCheck = (origin: string | undefined, host: string | undefined) => boolean;

const localhost = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** Browsers send an Origin: it must be this server's own, or a listed one. Programs send none. */
export function createOriginCheck({
  allowedOrigins,
  allowLocalhostOrigins,
}: {
  allowedOrigins: readonly string[];
  allowLocalhostOrigins: boolean;
}): OriginCheck {
  const allowed = new Set(allowedOrigins);
  return (origin, host) => {
    if (origin === undefined || allowed.has(origin)) return true;
    const url = URL.parse(origin);
    if (!url) return false;
    return url.host === host || (allowLocalhostOrigins && localhost.has(url.hostname));
  };
}
