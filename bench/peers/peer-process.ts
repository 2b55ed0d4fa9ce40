import { openSdk, type PeerSettings } from './sdks.ts';

/** An app server with an SDK; see `startPeer`. */

/** How a call ended, after the SDK's own retries. */
export type CallOutcome = {
  readonly ok: boolean;
  readonly tookMs: number;
  /** WeChat's errcode, or the message of any other error. */
  readonly failure?: string;
};
export type CallRequest = { readonly id: number; readonly atMs: number };
export type CallReport = { readonly id: number; readonly outcome: CallOutcome };

const settings: PeerSettings & { readonly atMs: number } = JSON.parse(process.env['SETTINGS'] ?? '{}');
let nowMs = settings.atMs;

const RealDate = Date;

/** SDKs ask `Date` whether a token has expired, so the parent process sets what it says. */
class SimulatedDate extends RealDate {
  constructor(...parts: [] | [string | number | Date]) {
    if (parts.length === 0) super(nowMs);
    else super(...parts);
  }

  static override now(): number {
    return nowMs;
  }
}

// Before the SDK is loaded, which may keep a reference to `Date`.
globalThis.Date = SimulatedDate as DateConstructor;
const protectedCall = openSdk(settings);

process.on('message', ({ id, atMs }: CallRequest) => {
  nowMs = atMs;
  void makeCall().then((outcome) => process.send?.({ id, outcome } satisfies CallReport));
});
// An orphan ends with the bench that started it.
process.on('disconnect', () => process.exit());
process.send?.('ready');

async function makeCall(): Promise<CallOutcome> {
  // Real time, which `SimulatedDate` does not change.
  const startedMs = performance.now();
  const failure = await protectedCall().then(failureOf, failureOf);
  const tookMs = performance.now() - startedMs;
  return failure === undefined ? { ok: true, tookMs } : { ok: false, tookMs, failure };
}

/** Some SDKs throw WeChat's error, some return it. Only a list of addresses is success. */
function failureOf(answer: unknown): string | undefined {
  if (typeof answer === 'object' && answer !== null) {
    if ('ip_list' in answer && Array.isArray(answer.ip_list)) return undefined;
    if ('errcode' in answer) return String(answer.errcode);
    if ('code' in answer) return String(answer.code);
  }
  const text = answer instanceof Error ? answer.message : JSON.stringify(answer);
  return /"errcode":\s*(-?\d+)/.exec(text)?.[1] ?? text;
}
