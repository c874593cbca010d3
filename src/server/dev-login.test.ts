import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createAuthentication } from "./authentication.ts";
import { createDevLogin } from "./dev-login.ts";

const startMs = Date.parse("2026-01-01T00:00:00.789Z");
let nowMs = startMs;
let dataDir: string;
beforeEach(async () => {
  nowMs = startMs;
  dataDir = await mkdtemp(join(tmpdir(), "causerie-dev-login-"));
});
afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

const now = () => new Date(nowMs);
const open = (folder = dataDir) => createDevLogin({ dataDir: folder, now });
const authenticationOf = (secret: Uint8Array) =>
  createAuthentication({ kind: "dev", secret }, { now, log: { debug() {}, warn() {} } });

describe("a token of the dev login", () => {
  it("is good for 12 h, and says who it is for", async () => {
    const devLogin = await open();
    const { token, ...rest } = await devLogin.issue("  Alice ");
    expect(rest).toEqual({ userId: "dev:alice", name: "Alice", expiresAt: new Date("2026-01-01T12:00:00Z") });
    const authentication = authenticationOf(devLogin.secret);
    expect(await authentication.verify(token)).toEqual({ ...rest, avatarUrl: null });
    nowMs = rest.expiresAt.getTime();
    await expect(authentication.verify(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });

  it("outlives a restart on the same data", async () => {
    const { token } = await (await open()).issue("Alice");
    expect(await authenticationOf((await open()).secret).verify(token)).toMatchObject({ userId: "dev:alice" });
  });

  it("is worth nothing on other data", async () => {
    const { token } = await (await open()).issue("Alice");
    const other = await open(join(dataDir, "other"));
    await expect(authenticationOf(other.secret).verify(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });
});

describe("the key", () => {
  it("is a file for its owner alone, in a folder that is made where there is none", async () => {
    const folder = join(dataDir, "a", "b");
    await open(folder);
    expect(await readdir(folder)).toEqual(["dev-login.key"]);
    expect((await stat(join(folder, "dev-login.key"))).mode & 0o777).toBe(0o600);
  });

  it("is one, also when many start at once", async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => open()));
    expect(new Set(all.map(({ secret }) => Buffer.from(secret).toString("hex"))).size).toBe(1);
    expect(await readdir(dataDir)).toEqual(["dev-login.key"]);
  });

  it.each(["", "short", "x".repeat(1000)])(
    "that is broken (%j) stops the start and names the file",
    async (content) => {
      await writeFile(join(dataDir, "dev-login.key"), content);
      await expect(open()).rejects.toThrow(join(dataDir, "dev-login.key"));
    },
  );

  it("that cannot be read stops the start", async () => {
    await writeFile(join(dataDir, "file"), "");
    await expect(open(join(dataDir, "file"))).rejects.toThrow("ENOTDIR");
  });

  it("that others could read is closed to them", async () => {
    await open();
    await chmod(join(dataDir, "dev-login.key"), 0o644);
    await open();
    expect((await stat(join(dataDir, "dev-login.key"))).mode & 0o777).toBe(0o600);
  });
});

const userIdOf = async (name: string) => (await (await open()).issue(name)).userId;

describe("a name", () => {
  it("is the same user each time, whatever its case, spaces around and composition", async () => {
    expect(await userIdOf("ALICE")).toBe("dev:alice");
    expect(await userIdOf(" Ame\u0301lie ")).toBe(await userIdOf("am\u00e9lie"));
  });

  it("shares its user with no other name", async () => {
    const names = ["a b", "a-b", "a_b", "ab", "é", "è", "🦊", "🐻", "日本", "日本語", "-", "--", "__proto__"];
    const userIds = await Promise.all(names.map(userIdOf));
    expect(new Set(userIds).size).toBe(names.length);
    // Nor with one that is made to look like another's id.
    expect(await userIdOf(userIds[0]!.replace("dev:", ""))).not.toBe(userIds[0]);
  });

  it("may be any 50 characters: the token of it is always good", async () => {
    const devLogin = await open();
    const authentication = authenticationOf(devLogin.secret);
    const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 50 });
    const property = fc.asyncProperty(name, async (text) => {
      fc.pre(text.trim() !== "" && Array.from(text.normalize("NFC").trim()).length <= 50);
      const issued = await devLogin.issue(text);
      expect(await authentication.verify(issued.token)).toMatchObject({ userId: issued.userId, name: issued.name });
      expect(issued.userId).toMatch(/^dev:[a-z0-9-]{1,80}$/);
    });
    await fc.assert(property, { numRuns: 200 });
  });

  it.each(["", "   ", "x".repeat(51), "a\0b", "a\nb", "a\u007fb", "a\ud800b"])("cannot be %j", async (name) => {
    const devLogin = await open();
    await expect(devLogin.issue(name)).rejects.toMatchObject({ code: "INVALID", path: ["name"] });
  });
});
