import { chromium, type Browser } from "playwright-core";
import { canInstallPackages, installPackages, onPath } from "./debian-package.ts";

/** As the tests' containers have neither a sandbox nor a graphics card, and nothing is to be asked of the internet. */
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const startDeadlineMs = 60_000;

let found: Promise<string> | undefined;

/**
 * The path of a Chromium. Installs Debian's package where that is possible; else the tests fail, they are never passed over.
 */
export function chromiumBinary(): Promise<string> {
  found ??= findOrInstall();
  return found;
}

/** A browser of its own, without a window. Close it when the tests are done. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = await chromiumBinary();
  return chromium.launch({ executablePath, args: flags, timeout: startDeadlineMs });
}

async function findOrInstall(): Promise<string> {
  const present = await findChromium();
  if (present !== undefined) return present;
  if (!(await canInstallPackages()))
    throw new Error("The browser tests need chromium on the PATH: install it and run them again.");
  console.info("chromium is not on the PATH: installing Debian's package with apt-get.");
  await installPackages("chromium");
  const installed = await findChromium();
  if (installed === undefined) throw new Error("apt-get installed chromium, and still it is not on the PATH.");
  return installed;
}

async function findChromium(): Promise<string | undefined> {
  return (await onPath("chromium")) ?? onPath("google-chrome-stable");
}
