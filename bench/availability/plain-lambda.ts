import { openAccount } from './account.ts';
import { type Candidate, SERVERS } from './candidate.ts';
import { chance } from './chance.ts';

/**
 * A Lambda on `rate(100 minutes)` that fetches a token and puts it into a parameter; apps keep the parameter for a minute,
 * and the last one while it cannot be read. A run that fails is repeated after one minute and after two more, as AWS does
 * with asynchronous invocations (https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html).
 */
export function plainLambda(): Candidate {
  const { clock, wechat, fetchToken } = openAccount();
  const random = chance('plain lambda');
  let parameter: string | undefined;
  let known: string | undefined;
  let storeIsDown = false;
  let nextOneDies = false;
  /** Minutes in which a failed run is tried again. */
  let retries: number[] = [];

  /** One delivery or two at once, whose writes land in either order. */
  async function run(deliveries: number): Promise<boolean> {
    const fetched: string[] = [];
    for (let each = 0; each < deliveries; each++) {
      const grant = await fetchToken();
      if (grant) fetched.push(grant.value);
    }
    if (nextOneDies && fetched.length > 0) {
      nextOneDies = false;
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
      if (!storeIsDown) known = parameter;
      const end = known === undefined ? 'none' : wechat.isTokenValid(known) ? 'ok' : 'dead';
      return Array.from({ length: SERVERS }, () => end);
    },
    applyFault(kind, standing) {
      if (kind === 'store-down') storeIsDown = standing;
      if (kind === 'dies-before-keeping') nextOneDies = true;
    },
  };
}
