import { pathToFileURL } from 'node:url';

/**
 * A fresh Lambda instance: loads the bundle in the first argument, answers the event in the second one, and answers it again
 * as often as the third one says. Prints milliseconds as JSON. performance.now() starts with the process.
 */
const [bundle = '', event = '', warmCalls = '0'] = process.argv.slice(2);
const parsed = JSON.parse(event);

const startedMs = performance.now();
const { handler } = await import(pathToFileURL(bundle).href);
const loadedMs = performance.now();
const { statusCode } = await handler(parsed);
const answeredMs = performance.now();
if (statusCode !== 200) throw new Error(`the first answer was ${statusCode}`);

const warmMs: number[] = [];
for (let call = 0; call < Number(warmCalls); call++) {
  const calledMs = performance.now();
  await handler(parsed);
  warmMs.push(performance.now() - calledMs);
}
warmMs.sort((one, other) => one - other);
const percentile = (share: number) => warmMs[Math.floor(warmMs.length * share)] ?? null;
console.log(
  JSON.stringify({
    loadMs: loadedMs - startedMs,
    firstAnswerMs: answeredMs - startedMs,
    sinceProcessStartMs: answeredMs,
    warmP50Ms: percentile(0.5),
    warmP99Ms: percentile(0.99),
  }),
);
process.exit();
