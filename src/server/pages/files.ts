import { hash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative } from "node:path";

/** What of a built page a browser may ask for. */
export interface PageFile {
  readonly body: Buffer;
  /** Whether the body is compressed with gzip: everything is that gains by it. */
  readonly isCompressed: boolean;
  readonly type: string;
  readonly etag: string;
  /** Its name changes whenever its content does. */
  readonly isImmutable: boolean;
}

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".ttf": "font/ttf",
  ".woff2": "font/woff2",
  ".png": "image/png",
};
const compressedSuffix = ".gz";

/** The files of a folder by their paths in it (`assets/index-1a2b3c4d.js`); those of another type than these are left out. */
export async function readPageFiles(folder: string): Promise<Map<string, PageFile>> {
  const files = new Map<string, PageFile>();
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const name = relative(folder, path).replaceAll("\\", "/");
    const isCompressed = name.endsWith(compressedSuffix);
    const plainName = isCompressed ? name.slice(0, -compressedSuffix.length) : name;
    const file = entry.isFile() ? pageFileOf(plainName, await readFile(path), isCompressed) : undefined;
    if (file) files.set(plainName, file);
  }
  return files;
}

/** Undefined where it is of another type than pages are made of. */
export function pageFileOf(name: string, body: Buffer, isCompressed = false): PageFile | undefined {
  const type = types[extname(name)];
  if (type === undefined) return undefined;
  const etag = `"${hash("sha256", body, "base64url").slice(0, 22)}"`;
  return { body, isCompressed, type, etag, isImmutable: name.startsWith("assets/") };
}
