import { Metrics } from '@aws-lambda-powertools/metrics';
import { metricNamespace } from '../../functions/core/reporting/metrics.ts';

/** Powertools' metrics, counted instead of written: the lines, and each metric in each hour in which it is published. */
export class MetricLines extends Metrics {
  bytes = 0;
  count = 0;
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
    this.count++;
    this.clearMetrics();
    this.clearDimensions();
    this.clearMetadata();
    return this;
  }
}
