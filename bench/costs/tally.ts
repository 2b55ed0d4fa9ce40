import { toItem } from '../../functions/aws/record-item.ts';
import type { App } from '../../functions/core/credential.ts';
import type { CredentialSource, Ports, RecordStore } from '../../functions/core/ports.ts';
import type { CredentialResult } from '../../functions/core/reporting/results.ts';
import { inProcessWechat, secretOf } from '../../test/support/in-process-wechat.ts';
import { memoryStore } from '../../test/support/memory-store.ts';
import { itemBytes } from './item-bytes.ts';
import type { SimulatedTime } from './simulated-time.ts';

/** CloudWatch counts so much beside each line: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html */
export const LINE_OVERHEAD_BYTES = 26;

/** An outside in memory that counts what it is asked. */
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

  /** A table that counts. A strongly consistent read costs a unit for each 4 KB of each item, a write for each 1 KB. */
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

  /** Each app has an account of its own at WeChat. A token has 512 characters, the most that WeChat reserves. */
  source(apps: readonly App[], time: SimulatedTime): CredentialSource {
    const clock = { now: time.now, advance: (ms: number) => time.passTo(time.now() + ms) };
    const { source } = inProcessWechat(apps, clock);
    const bare = (value: string) => value.replace(/\.+$/, '');
    return {
      fetch: async (order) => {
        this.upstreamCalls++;
        if (order.name === 'access-token') {
          const { value, expiresInSeconds } = await source.fetch(order);
          return { value: value.padEnd(512, '.'), expiresInSeconds };
        }
        const { value, expiresInSeconds } = await source.fetch({
          ...order,
          accessToken: bare(order.accessToken),
        });
        return { value: value.padEnd(128, '.'), expiresInSeconds };
      },
      accepts: (app, accessToken) => {
        this.upstreamCalls++;
        return source.accepts(app, bare(accessToken));
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

  /** One line in the log for whatever changed, as functions/refresh.ts writes it. */
  changes(results: readonly CredentialResult[]): void {
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
