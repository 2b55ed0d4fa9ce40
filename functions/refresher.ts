import { randomUUID } from 'node:crypto';
import { clearQuota, type QuotaCleared } from './core/clear-quota.ts';
import type { App } from './core/credential.ts';
import type { Clock, Mirror, Notices, Randomness, RecordStore, SecretStore } from './core/ports.ts';
import { refresh } from './core/refresh.ts';
import { type Diagnosis, diagnose } from './core/reporting/diagnosis.ts';
import type { CredentialResult } from './core/reporting/results.ts';
import { type StatusReport, statusReport } from './core/reporting/status.ts';
import { timingOf } from './core/rules/timing.ts';
import { parseOperatorEvent } from './events/operator-event.ts';
import { parseRefreshEvent } from './events/refresh-event.ts';
import { type Platform, wechatClient } from './wechat/client.ts';
import { wechatDiagnostics } from './wechat/diagnostics.ts';
import { EgressDispatcher, type ProxyUrl } from './wechat/egress.ts';
import { officialErrorCodes } from './wechat/official-error-codes.ts';
import { wechatSource } from './wechat/sources.ts';
import { wecomErrorCodes } from './wechat/wecom-error-codes.ts';

export type RefreshAnswer = { readonly results: readonly CredentialResult[] };
/** To a refresh event, or to an operator's. */
export type Answer =
  | RefreshAnswer
  | { readonly status: StatusReport }
  | { readonly diagnosis: Diagnosis }
  | { readonly quotaCleared: QuotaCleared };

export type Refresher = {
  /** Carries out a refresh event (functions/events/refresh-event.ts). Throws `InvalidEventError`. */
  run(event: unknown): Promise<RefreshAnswer>;
  /** The same, or answers an operator's event (functions/events/operator-event.ts). Throws `InvalidEventError`. */
  answer(event: unknown): Promise<Answer>;
  close(): Promise<void>;
};

/** What differs between Lambda, one machine and a test on a clock of its own. */
export type RefresherOptions = {
  readonly apps: readonly App[];
  readonly tickMs: number;
  readonly refreshAfterMs: number;
  /** 0 = no probes. */
  readonly probeMs: number;
  /** Base URLs of each platform, the preferred one first. */
  readonly hosts: { readonly official: readonly string[]; readonly wecom: readonly string[] };
  readonly proxyUrl: ProxyUrl;
  readonly store: RecordStore;
  readonly mirror: Mirror;
  readonly secrets: SecretStore;
  readonly notices: Notices;
  readonly clock: Clock;
  /** Called after each attempt to reach WeChat. */
  readonly onUpstreamCall: (latencyMs: number) => void;
};

/** Connects the core with WeChat; the caller brings the stores. */
export function createRefresher(options: RefresherOptions): Refresher {
  const { apps, hosts, store, mirror, secrets, notices, clock, refreshAfterMs, probeMs } = options;
  const egress = new EgressDispatcher(options.proxyUrl);
  const retryTiming = {
    now: clock.now,
    random: randomness.fraction,
    sleep: (ms: number) => clock.sleepUntil(clock.now() + ms),
  };
  const clientOf = (platform: Platform) =>
    wechatClient(platform, egress, retryTiming, options.onUpstreamCall);
  const official = clientOf({ hosts: hosts.official, errorCodes: officialErrorCodes });
  const wecom = clientOf({ hosts: hosts.wecom, errorCodes: wecomErrorCodes });
  const source = wechatSource({ official, wecom });
  const diagnostics = wechatDiagnostics({ official, hosts }, egress, clock.now);
  const ports = { store, mirror, secrets, notices, clock, randomness, source };
  const schedule = { refreshAfterMs, probeMs, timing: timingOf(options.tickMs) };

  async function run(event: unknown): Promise<RefreshAnswer> {
    const { apps: named, request } = parseRefreshEvent(event, apps);
    return { results: await refresh(named, request, schedule, ports) };
  }
  return {
    run,
    async answer(event) {
      const asked = parseOperatorEvent(event, apps);
      const now = clock.now();
      switch (asked?.kind) {
        case 'status':
          return { status: await statusReport(asked.apps, store, now) };
        case 'diagnose':
          return { diagnosis: await diagnose(asked.app, now, { store, secrets, diagnostics }) };
        case 'clear-quota':
          return { quotaCleared: await clearQuota(asked.app, { secrets, diagnostics }) };
        default:
          return run(event);
      }
    },
    close: () => egress.close(),
  };
}

const randomness: Randomness = { fraction: Math.random, id: randomUUID };

export const noProxy: ProxyUrl = async () => undefined;
