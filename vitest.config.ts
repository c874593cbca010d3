import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    // Two cores are the smallest machine that the suite is meant for.
    maxWorkers: 2,
    globalSetup: ["test/support/global-setup.ts"],
  },
});
