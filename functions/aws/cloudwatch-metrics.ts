import type { Metrics } from '@aws-lambda-powertools/metrics';
import type { Measurement } from '../core/reporting/metrics.ts';

/** Publishes in CloudWatch's embedded metric format: lines in the log, so no call and no permission. */
export function publishMetrics(metrics: Metrics, measurements: readonly Measurement[]): void {
  for (const { dimensions, values } of measurements) {
    for (const [name, value] of Object.entries(dimensions)) metrics.addDimension(name, value);
    for (const { name, unit, value } of values) metrics.addMetric(name, unit, value);
    metrics.publishStoredMetrics();
  }
}
