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
import type { App } from '../../../functions/core/credential.ts';
import { measuresEachApp, metricNamespace } from '../../../functions/core/reporting/metrics.ts';
import { runbookPage } from '../../../functions/core/reporting/runbook.ts';
import { consoleHost } from '../../regions.ts';
import type { ReadApi } from '../read-api.ts';
import type { Refresher } from '../refresher.ts';
import { deadLetterMetric } from './function-alarms.ts';

export interface DashboardProps {
  readonly alarms: readonly Alarm[];
  readonly refresher: Refresher;
  readonly readApi: ReadApi;
  readonly apps: readonly App[];
}

/** https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html */
const MAX_ALARMS_PER_WIDGET = 100;

/** From top to bottom: every alarm, the time left of each credential, the latest failures, and how the functions perform. */
export function createDashboard(scope: Construct, id: string, props: DashboardProps): Dashboard {
  const { alarms, refresher, readApi, apps } = props;
  const refresh = refresher.function.lambda;
  const read = readApi.function.lambda;
  const eachApp = measuresEachApp(apps);
  const app = eachApp ? ['app'] : [];
  const credential = eachApp ? ['app', 'credential'] : [];
  const { stackName } = Stack.of(scope);
  const search = (metricName: string, dimensions: readonly string[], statistic?: 'Maximum' | 'Sum') =>
    searchExpression(stackName, metricName, dimensions, statistic);

  const dashboard = new Dashboard(scope, id, { defaultInterval: Duration.hours(6) });
  for (let first = 0; first < alarms.length; first += MAX_ALARMS_PER_WIDGET) {
    dashboard.addWidgets(
      new AlarmStatusWidget({
        title: 'Alarms',
        alarms: alarms.slice(first, first + MAX_ALARMS_PER_WIDGET),
        width: 24,
        height: 6,
      }),
    );
  }
  dashboard.addWidgets(
    eachApp
      ? graph('Seconds until each credential expires', [search('SecondsRemaining', credential)], 12)
      : graph('Credentials that were not renewed in time', [search('ExpiringCredentials', [])], 12),
    new LogQueryWidget({
      title: 'Latest failures',
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
  dashboard.addWidgets(
    graph('Renewals', [search('Renewals', credential, 'Sum')]),
    graph('Failures by class', [search('Failures', [...app, 'class'], 'Sum')]),
    graph('Rotations by another client', [search('UnexpectedRotation', app, 'Sum')]),
    graph("Percent of the day's calls to /cgi-bin/token", [search('QuotaUsedPercent', app)]),
    graph('WeChat: milliseconds a call', [search('UpstreamLatency', [])]),
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
  dashboard.addWidgets(
    new TextWidget({
      markdown: `What each alarm means and what to do: [the runbook](${runbookPage}). All of it in a terminal: \`npx wechat-token-refresher status\`.`,
      width: 24,
      height: 2,
    }),
  );
  return dashboard;
}

/** Every metric of that name and of these dimensions, one line each. */
function searchExpression(
  service: string,
  metricName: string,
  dimensions: readonly string[],
  statistic: 'Maximum' | 'Sum' = 'Maximum',
): MathExpression {
  const schema = [metricNamespace, 'service', ...dimensions].join(',');
  const labels = dimensions.map((name) => `\${PROP('Dim.${name}')}`);
  return new MathExpression({
    expression: `SEARCH('{${schema}} MetricName="${metricName}" service="${service}"', '${statistic}')`,
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
  return `https://${consoleHost(region)}/cloudwatch/home?region=${region}#dashboards/dashboard/${dashboardName}`;
}
