/** What `REDIS_URL` says. */
export interface RedisAddress {
  readonly kind: "single" | "sentinel" | "cluster";
  /** Of the server, of the Sentinels, or of some nodes of the cluster. At least one. */
  readonly hosts: readonly { host: string; port: number }[];
  /** Sentinel's name of the master; else empty. */
  readonly masterName: string;
  readonly db: number;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly tls: boolean;
}

const allowed =
  "REDIS_URL must be redis://[user:password@]host[:port][/db], redis+sentinel://host[:port],…/master-name[/db] or " +
  "redis+cluster://host[:port],… (rediss for TLS; percent-encode what is special in a password)";

const form = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^?#]*))?$/;
const hostForm = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/;
const defaultPort = { single: 6379, cluster: 6379, sentinel: 26_379 };

/** @throws Error that names REDIS_URL and what is wrong, and shows nothing of the URL, which may hold a password. */
export function parseRedisUrl(url: string): RedisAddress {
  const [matched, scheme, topology, credentials, hostList = "", path = ""] = form.exec(url) ?? [];
  if (!matched) throw bad("its form is not known");
  const kind = topology === "sentinel" || topology === "cluster" ? topology : "single";
  const hosts = hostList.split(",").map((text) => parseHost(text, defaultPort[kind]));
  if (kind === "single" && hosts.length > 1) throw bad("redis:// takes one host");
  return { kind, hosts, ...parsePath(kind, path), ...parseCredentials(credentials), tls: scheme === "rediss" };
}

function parseHost(text: string, fallbackPort: number): { host: string; port: number } {
  const [matched, host = "", portText] = hostForm.exec(text) ?? [];
  const port = portText === undefined ? fallbackPort : Number(portText);
  if (!matched || port < 1 || port > 65_535) throw bad("a host or port is not right");
  return { host: host.replace(/^\[|\]$/g, ""), port };
}

function parsePath(kind: RedisAddress["kind"], path: string): { masterName: string; db: number } {
  const parts = path === "" ? [] : path.split("/");
  const masterName = kind === "sentinel" ? decoded(parts.shift() ?? "") : "";
  if (kind === "sentinel" && masterName === "") throw bad("the master's name is missing");
  const [dbText = "0", ...more] = parts;
  const db = /^\d{1,5}$/.test(dbText) ? Number(dbText) : Number.NaN;
  if (more.length > 0 || Number.isNaN(db)) throw bad("the part after the hosts is not right");
  if (kind === "cluster" && db !== 0) throw bad("a cluster has database 0 only");
  return { masterName, db };
}

function parseCredentials(text: string | undefined): { username: string | undefined; password: string | undefined } {
  if (text === undefined) return { username: undefined, password: undefined };
  const colon = text.indexOf(":");
  if (colon < 0) throw bad("there is a user without a password");
  return { username: decoded(text.slice(0, colon)) || undefined, password: decoded(text.slice(colon + 1)) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw bad("a percent sign is not followed by two hexadecimal digits");
  }
}

const bad = (what: string) => new Error(`REDIS_URL: ${what}. ${allowed}.`);
