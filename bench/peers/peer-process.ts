import { moveClockTo } from './moved-clock.ts';
import { openSdk, type PeerSettings } from './sdks.ts';

/** An app server with an SDK; see `startPeer`. */

/** How a need of the app ended, after the SDK's own retries. */
export type CallOutcome = {
  readonly ok: boolean;
  readonly tookMs: number;
  /** WeChat's errcode, or what else went wrong. */
  readonly failure?: string;
};
export type CallOrder = { readonly id: number; readonly atMs: number };
export type CallReport = { readonly id: number; readonly outcome: CallOutcome };

const settings: PeerSettings & { readonly atMs: number } = JSON.parse(process.env['SETTINGS'] ?? '{}');
moveClockTo(settings.atMs);
const protectedCall = openSdk(settings);

process.on('message', ({ id, atMs }: CallOrder) => {
  moveClockTo(atMs);
  void makeCall().then((outcome) => process.send?.({ id, outcome } satisfies CallReport));
});
// An orphan ends with the bench that started it.
process.on('disconnect', () => process.exit());
process.send?.('ready');

async function makeCall(): Promise<CallOutcome> {
  // Not on the moved clock.
  const begunMs = performance.now();
  const failure = await protectedCall().then(failureOf, failureOf);
  const tookMs = performance.now() - begunMs;
  return failure === undefined ? { ok: true, tookMs } : { ok: false, tookMs, failure };
}

/** Some SDKs throw what WeChat refuses, some hand it on. Only a list of addresses is success. */
function failureOf(answer: unknown): string | undefined {
  if (typeof answer === 'object' && answer !== null) {
    if ('ip_list' in answer && Array.isArray(answer.ip_list)) return undefined;
    if ('errcode' in answer) return String(answer.errcode);
    if ('code' in answer) return String(answer.code);
  }
  const text = answer instanceof Error ? answer.message : JSON.stringify(answer);
  return /"errcode":\s*(-?\d+)/.exec(text)?.[1] ?? text;
}
