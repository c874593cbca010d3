import { findPrograms, MissingPrograms } from "../../scripts/cluster/programs.ts";
import { canInstallPackages, installPackages } from "./debian-package.ts";

/**
 * Installs what tests on the whole topology need and the machine has not, where that is possible. To be called once, before
 * tests run side by side. Where it is not possible those tests fail; they are never passed over.
 */
export async function installServers(): Promise<void> {
  const missing = await findPrograms().catch((error: unknown) => error);
  if (!(missing instanceof MissingPrograms) || !(await canInstallPackages())) return;
  console.info(`Installing ${missing.packages.join(", ")} with apt-get, without starting the services.`);
  await installPackages(...missing.packages);
}
