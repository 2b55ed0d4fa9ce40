import { Metrics } from '@aws-lambda-powertools/metrics';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { toItem } from '../../functions/aws/record-item.ts';
import type { App } from '../../functions/core/credential.ts';
import type { CredentialSource, Ports, RecordStore } from '../../functions/core/ports.ts';
import { metricNamespace } from '../../functions/core/reporting/metrics.ts';
import type { CredentialResult } from '../../functions/core/reporting/results.ts';
import { inProcessWechat, secretOf } from '../harness/in-process-wechat.ts';
import { memoryStore } from '../harness/memory-world.ts';
import type { SimulatedTime } from './simulated-time.ts';

/** CloudWatch adds so much to each line: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html */
export const LINE_OVERHEAD_BYTES = 26;

/** In-memory ports that count the calls made to them. */
export class Tally {
  upstreamCalls = 0;
  ticksWithCalls = 0;
  renewals = 0;
  readUnits = 0;
  writeUnits = 0;
  storeCalls = 0;
  parameterReads = 0;
  parameterWrites = 0;
  waitedMs = 0;
  lineBytes = 0;

  clear(): void {
    Object.assign(this, new Tally());
  }

  /** The table. A strongly consistent read costs a unit for each 4 KB of each item, a write for each 1 KB. */
  store(): RecordStore {
    const store = memoryStore(new Map());
    return {
      read: (ids) => {
        this.storeCalls += Math.ceil(ids.length / 100);
        this.readUnits += ids.length;
        return store.read(ids);
      },
      swap: async (seen, next) => {
        const bytes = itemBytes(toItem(next));
        if (bytes > 4096) throw new Error(`${next.id} is larger than one read unit`);
        this.storeCalls++;
        this.writeUnits += Math.ceil(bytes / 1024);
        return store.swap(seen, next);
      },
    };
  }

  /** WeChat, with an account for each app. A token has 512 characters, the most that WeChat reserves. */
  source(apps: readonly App[], time: SimulatedTime): CredentialSource {
    const clock = { now: time.now, advance: (ms: number) => time.passTo(time.now() + ms) };
    const { source } = inProcessWechat(apps, clock);
    const unpadded = (value: string) => value.replace(/\.+$/, '');
    return {
      fetch: async (request) => {
        this.upstreamCalls++;
        if (request.name === 'access-token') {
          const grant = await source.fetch(request);
          return { ...grant, value: grant.value.padEnd(512, '.') };
        }
        const grant = await source.fetch({ ...request, accessToken: unpadded(request.accessToken) });
        return { ...grant, value: grant.value.padEnd(128, '.') };
      },
      accepts: (app, accessToken) => {
        this.upstreamCalls++;
        return source.accepts(app, unpadded(accessToken));
      },
      countCalls: (app, accessToken) => {
        this.upstreamCalls++;
        return source.countCalls(app, unpadded(accessToken));
      },
    };
  }

  /** As if each token were fetched by a new instance of the function, whose cache is empty. */
  secrets(): Ports['secrets'] {
    const read = async (app: App) => {
      this.parameterReads++;
      return { value: secretOf(app), revision: '1' };
    };
    return { read, reread: read, whereToPut: () => '' };
  }

  /** The log has a line for each result that is not `fresh`, as functions/refresh.ts writes it. */
  countResults(results: readonly CredentialResult[]): void {
    for (const result of results) {
      if (result.error) throw new Error(result.error.message);
      if (result.outcome === 'renewed') this.renewals++;
      if (result.outcome === 'fresh') continue;
      const message = `${result.app}/${result.credential} ${result.outcome}: ${result.reason}`;
      const line = {
        level: 'INFO',
        message,
        timestamp: new Date(0),
        service: 'wechat-token-refresher',
        result,
      };
      this.lineBytes += JSON.stringify(line).length + LINE_OVERHEAD_BYTES;
    }
  }
}

/** Powertools' metrics, counted instead of written: their lines, and each metric in each hour in which it is published. */
export class MetricTally extends Metrics {
  bytes = 0;
  lines = 0;
  /** Set by the caller before each publication. */
  hour = 0;
  readonly #metricHours = new Set<string>();

  constructor() {
    super({ namespace: metricNamespace, serviceName: 'WechatTokenRefresher' });
  }

  get metricHours(): number {
    return this.#metricHours.size;
  }

  override publishStoredMetrics(): this {
    const line = this.serializeMetrics();
    for (const { Dimensions, Metrics: metrics } of line._aws.CloudWatchMetrics) {
      for (const names of Dimensions) {
        const series = names.map((name) => `${name}=${String(line[name])}`).join(' ');
        for (const { Name } of metrics) this.#metricHours.add(`${this.hour} ${Name} ${series}`);
      }
    }
    this.bytes += Buffer.byteLength(JSON.stringify(line));
    this.lines++;
    this.clearMetrics();
    this.clearDimensions();
    this.clearMetadata();
    return this;
  }
}

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html; a number at its largest. */
function itemBytes(item: Record<string, AttributeValue>): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + name.length + valueBytes(value), 0);
}

function valueBytes({ S, N, BOOL, M }: AttributeValue): number {
  if (S !== undefined) return Buffer.byteLength(S);
  if (N !== undefined) return Math.ceil(N.length / 2) + 2;
  if (BOOL !== undefined) return 1;
  if (M !== undefined) return 3 + Object.keys(M).length + itemBytes(M);
  throw new Error('an attribute of a type that no record has');
}
