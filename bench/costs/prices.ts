/**
 * List prices of us-east-1, in USD, as known in November 2026. They were not fetched from AWS; each line names the page to
 * compare it with.
 */
export const PRICES_DATED = '2026-11';

export type Price = {
  /** What is billed, in words. */
  readonly what: string;
  /** USD. */
  readonly each: number;
  /** Units that `each` pays for. */
  readonly quantity: number;
  /** The same in words. */
  readonly per: string;
  /** Free units each month, always and for the whole account; 0 = none. */
  readonly free: number;
  readonly page: string;
};

const MILLION = 1_000_000;

export const prices = {
  lambdaRequests: price('Lambda requests', 0.2, MILLION, 'million requests', 'lambda/pricing', MILLION),
  lambdaTime: price('Lambda time, arm64', 13.3334, MILLION, 'million GB-seconds', 'lambda/pricing', 400_000),
  schedule: price(
    'EventBridge Scheduler',
    1,
    MILLION,
    'million invocations',
    'eventbridge/pricing',
    14 * MILLION,
  ),
  reads: price('DynamoDB reads, on demand', 0.125, MILLION, 'million units', 'dynamodb/pricing/on-demand'),
  writes: price('DynamoDB writes, on demand', 0.625, MILLION, 'million units', 'dynamodb/pricing/on-demand'),
  keyRequests: price('KMS requests', 0.03, 10_000, '10,000 requests', 'kms/pricing', 20_000),
  keys: price('KMS customer managed keys', 1, 1, 'key and month', 'kms/pricing'),
  metrics: price('CloudWatch metrics', 0.3, 1, 'metric and month', 'cloudwatch/pricing', 10),
  alarms: price('CloudWatch alarms', 0.1, 1, 'alarm and month', 'cloudwatch/pricing', 10),
  dashboards: price('CloudWatch dashboard', 3, 1, 'dashboard and month', 'cloudwatch/pricing', 3),
  logs: price('CloudWatch logs ingested', 0.5, 1, 'GB', 'cloudwatch/pricing', 5),
  natHours: price('NAT gateway', 0.045, 1, 'hour', 'vpc/pricing'),
  natTraffic: price('NAT gateway traffic', 0.045, 1, 'GB', 'vpc/pricing'),
  addresses: price('Public IPv4 address', 0.005, 1, 'hour', 'vpc/pricing'),
  instanceHours: price('EC2 t4g.nano', 0.0042, 1, 'hour', 'ec2/pricing/on-demand'),
  disk: price('EBS gp3', 0.08, 1, 'GB and month', 'ebs/pricing'),
  trafficOut: price('Traffic to the internet', 0.09, 1, 'GB', 'ec2/pricing/on-demand', 100),
  httpApi: price('API Gateway HTTP API', 1, MILLION, 'million requests', 'api-gateway/pricing'),
} satisfies Record<string, Price>;

export type Priced = keyof typeof prices;

/** @param free whether the monthly free allowance is subtracted */
export function costOf(what: Priced, quantity: number, { free }: { free: boolean }): number {
  const { each, quantity: perUnits, free: allowance } = prices[what];
  return (Math.max(0, quantity - (free ? allowance : 0)) / perUnits) * each;
}

function price(what: string, each: number, quantity: number, per: string, page: string, free = 0): Price {
  return { what, each, quantity, per, free, page: `https://aws.amazon.com/${page}/` };
}
