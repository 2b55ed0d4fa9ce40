import { toItem } from '../../functions/aws/item.ts';
import type { CredentialRecord } from '../../functions/core/credential.ts';
import type { CredentialSource, Ports, RecordStore } from '../../functions/core/ports.ts';
import type { CredentialResult } from '../../functions/core/result.ts';
import { MemoryWorld } from '../../test/support/memory-ports.ts';
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
    const records = new Map<string, CredentialRecord>();
    return {
      read: async (ids) => {
        this.storeCalls += Math.ceil(ids.length / 100);
        this.readUnits += ids.length;
        return new Map(
          ids.flatMap((id) => {
            const record = records.get(id);
            return record ? [[id, record] as const] : [];
          }),
        );
      },
      swap: async (seen, next) => {
        const bytes = itemBytes(toItem(next));
        if (bytes > 4096) throw new Error(`${next.id} is larger than one read unit`);
        this.storeCalls++;
        this.writeUnits += Math.ceil(bytes / 1024);
        const stored = records.get(next.id);
        if (stored?.leaseId !== seen?.leaseId || stored?.version !== seen?.version) return false;
        records.set(next.id, next);
        return true;
      },
    };
  }

  /** Each app has an account of its own at WeChat. A token has 512 characters, the most that WeChat reserves. */
  source(time: SimulatedTime): CredentialSource {
    const accounts = new Map<string, MemoryWorld>();
    const of = ({ name }: { name: string }) => {
      const account = accounts.get(name) ?? new MemoryWorld(time.now());
      accounts.set(name, account);
      account.now = time.now();
      this.upstreamCalls++;
      return account.ports().source;
    };
    return {
      fetch: async (order) => {
        const { value, expiresInSeconds } = await of(order.app).fetch(order);
        return { value: value.padEnd(order.name === 'access-token' ? 512 : 128, '.'), expiresInSeconds };
      },
      accepts: (app, token) => of(app).accepts(app, token.replace(/\.+$/, '')),
    };
  }

  /** As if each token were fetched by a new instance of the function, whose cache is empty. */
  secrets(): Ports['secrets'] {
    const read = async () => {
      this.parameterReads++;
      return { value: 'secret', revision: '1' };
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
