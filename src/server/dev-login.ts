import { createSecretKey, hash, randomBytes, randomUUID } from "node:crypto";
import { chmod, link, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SignJWT } from "jose";
import { invalid } from "../errors.ts";

export interface DevToken {
  token: string;
  userId: string;
  name: string;
  expiresAt: Date;
}

/** A sign-in that asks for a name and for nothing else. */
export interface DevLogin {
  /** What signs its tokens (HS256). */
  readonly secret: Uint8Array;
  /** The same name gives the same user, whatever its case. Throws INVALID for a name that is none. */
  issue(name: string): Promise<DevToken>;
}

const keyFile = "dev-login.key";
const keyBytes = 32;
/** For its owner alone. */
const keyMode = 0o600;
const tokenLifeMs = 12 * 3600 * 1000;
const maxNameCharacters = 50;

/** Its key is random and kept in the data folder, so that its tokens outlive a restart and are worth nothing elsewhere. */
export async function createDevLogin(use: { dataDir: string; now?: () => Date }): Promise<DevLogin> {
  const now = use.now ?? (() => new Date());
  const secret = await readOrMakeKey(use.dataDir);
  const key = createSecretKey(secret);
  return {
    secret,
    async issue(text) {
      const name = nameOf(text);
      const userId = userIdOf(name);
      const issuedAt = now();
      // Whole seconds, as `exp` is usually written.
      const expiresAt = new Date(Math.floor((issuedAt.getTime() + tokenLifeMs) / 1000) * 1000);
      const token = await new SignJWT({ name })
        .setProtectedHeader({ alg: "HS256", typ: "JWT" })
        .setSubject(userId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(expiresAt)
        .sign(key);
      return { token, userId, name, expiresAt };
    },
  };
}

async function readOrMakeKey(dataDir: string): Promise<Uint8Array> {
  const path = join(dataDir, keyFile);
  const found = await readKey(path);
  if (found !== null) {
    await chmod(path, keyMode);
    return found;
  }
  await mkdir(dataDir, { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeFile(draft, `${randomBytes(keyBytes).toString("base64url")}\n`, {
      mode: 0o600,
      flag: "wx",
      flush: true,
    });
    // A link comes into being whole, and only where there is no file yet: two starts at once end with one key.
    await link(draft, path).catch(unless("EEXIST"));
  } finally {
    await rm(draft, { force: true });
  }
  const made = await readKey(path);
  if (made === null) throw new Error(`${path} vanished while it was made`);
  return made;
}

/** Null where there is none. */
async function readKey(path: string): Promise<Uint8Array | null> {
  const text = await readFile(path, "utf8").catch(unless("ENOENT"));
  if (text === undefined) return null;
  const key = new Uint8Array(Buffer.from(text.trim(), "base64url"));
  if (key.length !== keyBytes) throw new Error(`${path} holds no key; delete it, and the next start makes a new one`);
  return key;
}

function unless(code: string) {
  return (error: NodeJS.ErrnoException): undefined => {
    if (error.code !== code) throw error;
  };
}

function nameOf(text: string): string {
  const name = text.normalize("NFC").trim();
  const characters = Array.from(name).length;
  if (characters < 1 || characters > maxNameCharacters)
    throw invalid(`A name has 1 to ${maxNameCharacters} characters.`, ["name"]);
  if (!name.isWellFormed() || /\p{Cc}/u.test(name))
    throw invalid("A name has no control characters and no halves of characters.", ["name"]);
  return name;
}

/** A plain name can be read in its id (`dev:alice`); any other has a dash and a digest in it, so that no two names share one. */
function userIdOf(name: string): string {
  const key = name.toLowerCase().normalize("NFC");
  if (/^[a-z0-9]+$/.test(key)) return `dev:${key}`;
  const slug = key.replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  return `dev:${slug}-${hash("sha256", key, "hex").slice(0, 16)}`;
}
