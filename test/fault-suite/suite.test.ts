import { afterAll, beforeAll, expect, test } from "vitest";
import { randomOf, seedOf } from "../support/app.ts";
import { faults } from "./faults.ts";
import { openStage, type Stage } from "./stage.ts";
import { tableOf } from "./table.ts";
import { tryFault, type Trial } from "./trial.ts";

const random = randomOf(seedOf("fault suite"));
const trials: Trial[] = [];
const trialLimitMs = 180_000;
const maxCaughtUpSeconds = 30;
const maxPeakBytes = 512 * 1024 * 1024;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage(random);
}, 120_000);

afterAll(async () => {
  console.log(`\n${tableOf(trials)}\n`);
  await stage?.[Symbol.asyncDispose]();
}, 60_000);

test.each(faults)(
  "guarantees 1 to 6: $name loses, doubles, reorders and leaks nothing",
  async (fault) => {
    const trial = await tryFault(stage, fault);
    trials.push(trial);
    expect(trial.findings.slice(0, 10)).toEqual([]);
    expect(trial.acknowledged).toBeGreaterThan(50);
    expect(trial.memberChanges).toBeGreaterThan(0);
    expect(trial.caughtUpSeconds).toBeLessThan(maxCaughtUpSeconds);
    expect(trial.peakBytes).toBeLessThan(maxPeakBytes);
  },
  trialLimitMs,
);
