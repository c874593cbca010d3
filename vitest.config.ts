import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** One topology for all faults, on both cores. */
const faultSuite = "test/fault-suite/suite.test.ts";

export default defineConfig({
  // Node runs what is written, `await using` included: only the types are to be taken out.
  oxc: { target: "esnext" },
  // The same copy that Node gives to the libraries: graphql refuses to work with two.
  resolve: { alias: [{ find: /^graphql$/, replacement: fileURLToPath(import.meta.resolve("graphql")) }] },
  test: {
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // Two cores are the smallest machine that the suite is meant for.
    maxWorkers: 2,
    // The report is what .ci/run takes its last line from.
    reporters: ["default", ["json", { outputFile: ".cache/test-report.json" }]],
    globalSetup: ["test/support/global-setup.ts"],
    projects: [
      {
        extends: true,
        test: { name: "rules", include: ["src/**/*.test.ts", "test/**/*.test.ts"], exclude: [faultSuite] },
      },
      // After all others.
      { extends: true, test: { name: "faults", include: [faultSuite], sequence: { groupOrder: 1 } } },
    ],
  },
});
