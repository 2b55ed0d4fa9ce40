import type { ProofReport } from '../../bench/proof.ts';
import { catchBugs, MAX_SCENARIOS } from './catch-bugs.ts';
import { type CrashPointsResult, tryEveryCrashPoint } from './crash-points.ts';
import { crashScenarios } from './crash-scenarios.ts';
import { everyScenarioHeals } from './model/property.ts';

/** Prints bench/proof.ts's figures as one line of JSON: a process of its own, because benches import nothing from test/. */

const DRAWN_SCENARIOS = 10_000;

const crashPoints: CrashPointsResult[] = [];
for (const scenario of crashScenarios) crashPoints.push(await tryEveryCrashPoint(scenario));
const seed = Date.now() & 0x7fffffff;
const drawn = { seed, ...(await everyScenarioHeals({ numRuns: DRAWN_SCENARIOS, seed })) };
const report: ProofReport = { crashPoints, drawn, maxScenarios: MAX_SCENARIOS, bugs: await catchBugs() };
console.log(JSON.stringify(report));
