import { openAccount } from './account.ts';
import { type Candidate, SERVERS } from './candidate.ts';
import { seededRandom } from './faults.ts';

/**
 * A Lambda on `rate(100 minutes)` that fetches a token and writes it into a parameter; apps cache the parameter for a
 * minute, and keep the last value while it cannot be read. A failed run is retried after one minute and after two more, as AWS
 * does with asynchronous invocations (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
 */
export function plainLambda(): Candidate {
  const { clock, wechat, fetchToken } = openAccount();
  const random = seededRandom('plain lambda');
  let parameter: string | undefined;
  let cached: string | undefined;
  let storeIsDown = false;
  let nextOneCrashes = false;
  /** Minutes in which a failed run is retried. */
  let retries: number[] = [];

  /** One delivery, or two at once whose writes arrive in either order. */
  async function run(deliveries: number): Promise<boolean> {
    const fetched: string[] = [];
    for (let each = 0; each < deliveries; each++) {
      const grant = await fetchToken();
      if (grant) fetched.push(grant.value);
    }
    if (nextOneCrashes && fetched.length > 0) {
      nextOneCrashes = false;
      return false;
    }
    if (fetched.length === 0 || storeIsDown) return false;
    parameter = random() < 0.5 ? fetched.at(0) : fetched.at(-1);
    return true;
  }

  return {
    name: 'a plain Lambda, `rate(100 minutes)`',
    clock,
    wechat,
    async tick({ number, deliveries }) {
      if (number % 100 === 0 && deliveries > 0) {
        const done = await run(deliveries);
        retries = done ? [] : [number + 1, number + 3];
      } else if (retries.includes(number)) {
        if (await run(1)) retries = [];
      }
    },
    async call() {
      if (!storeIsDown) cached = parameter;
      const result = cached === undefined ? 'none' : wechat.isTokenValid(cached) ? 'ok' : 'invalid';
      return Array.from({ length: SERVERS }, () => result);
    },
    applyFault(kind, active) {
      if (kind === 'store-down') storeIsDown = active;
      if (kind === 'crash-before-storing') nextOneCrashes = true;
    },
  };
}
