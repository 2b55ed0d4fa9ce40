import { Duration, Stack } from 'aws-cdk-lib';
import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  LogQueryWidget,
  MathExpression,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import { measuresEachApp, metricNamespace } from '../../../functions/core/reporting/metrics.ts';
import type { Config } from '../../config.ts';
import { isInChina } from '../../regions.ts';
import type { ReadApi } from '../read-api.ts';
import type { Refresher } from '../refresher.ts';
import { deadLetterMetric } from './function-alarms.ts';

type DashboardProps = {
  readonly alarms: readonly Alarm[];
  readonly refresher: Refresher;
  readonly readApi: ReadApi;
  readonly config: Config;
};

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html */
const MAX_ALARMS_PER_WIDGET = 100;

/** From top to bottom: is every token alive, for how long yet, what failed last, and how the functions do. */
export function dashboard(scope: Construct, id: string, shown: DashboardProps): Dashboard {
  const { alarms, refresher, readApi, config } = shown;
  const eachApp = measuresEachApp(config.deployment.apps);
  const refresh = refresher.function.lambda;
  const read = readApi.function.lambda;
  const made = new Dashboard(scope, id, { defaultInterval: Duration.hours(6) });
  for (let first = 0; first < alarms.length; first += MAX_ALARMS_PER_WIDGET) {
    made.addWidgets(
      new AlarmStatusWidget({
        title: 'Is everything well?',
        alarms: alarms.slice(first, first + MAX_ALARMS_PER_WIDGET),
        width: 24,
        height: 6,
      }),
    );
  }
  made.addWidgets(
    graph(
      eachApp ? 'Seconds that each credential has yet' : 'Credentials that were not renewed in time',
      [
        eachApp
          ? each(config, 'SecondsRemaining', ['app', 'credential'])
          : each(config, 'ExpiringCredentials', []),
      ],
      12,
    ),
    new LogQueryWidget({
      title: 'What failed last',
      logGroupNames: [refresher.function.logGroupName],
      queryLines: [
        'fields @timestamp, level, message, result.error.message',
        'filter level in ["WARN", "ERROR"]',
        'sort @timestamp desc',
        'limit 20',
      ],
      width: 12,
      height: 6,
    }),
  );
  const app = eachApp ? ['app'] : [];
  const credential = eachApp ? ['app', 'credential'] : [];
  made.addWidgets(
    graph('Renewals', [each(config, 'Renewals', credential, 'Sum')]),
    graph('Failures by class', [each(config, 'Failures', [...app, 'class'], 'Sum')]),
    graph('Rotations by somebody else', [each(config, 'UnexpectedRotation', app, 'Sum')]),
    graph("Percent of the day's calls to /cgi-bin/token", [each(config, 'QuotaUsedPercent', app)]),
    graph('WeChat: milliseconds a call', [each(config, 'UpstreamLatency', [])]),
    graph('Refresher: ticks and errors', [
      refresh.metricInvocations(),
      refresh.metricErrors(),
      refresh.metricThrottles(),
      deadLetterMetric(refresher),
    ]),
    graph('Refresher: milliseconds a tick', [
      refresh.metricDuration({ statistic: 'p50' }),
      refresh.metricDuration({ statistic: 'Maximum' }),
    ]),
    graph('Read URL: requests and 5xx', [read.metricInvocations(), readApi.frontEnd.errors]),
    graph('Read URL: milliseconds an answer, p99', [readApi.frontEnd.latency]),
  );
  made.addWidgets(
    new TextWidget({
      markdown:
        'What each alarm means and what to do: `docs/runbook.md`. All of it in a terminal: `npx wechat-token-refresher status`.',
      width: 24,
      height: 2,
    }),
  );
  return made;
}

/** Every metric of that name and of these dimensions, one line each. */
function each(
  { stackName }: Config,
  metricName: string,
  dimensions: readonly string[],
  statistic: 'Maximum' | 'Sum' = 'Maximum',
): MathExpression {
  const schema = [metricNamespace, 'service', ...dimensions].join(',');
  const labels = dimensions.map((name) => `\${PROP('Dim.${name}')}`);
  return new MathExpression({
    expression: `SEARCH('{${schema}} MetricName="${metricName}" service="${stackName}"', '${statistic}')`,
    label: labels.join(' ') || metricName,
    usingMetrics: {},
    period: Duration.minutes(1),
  });
}

function graph(title: string, left: IMetric[], width = 8): GraphWidget {
  return new GraphWidget({ title, left, width, height: 6 });
}

export function dashboardUrl(scope: Construct, { dashboardName }: Dashboard): string {
  const { region } = Stack.of(scope);
  const host = isInChina(region) ? 'console.amazonaws.cn' : 'console.aws.amazon.com';
  return `https://${region}.${host}/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboardName}`;
}
