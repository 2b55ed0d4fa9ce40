import type { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { Deployment } from '../../../functions/deployment.ts';
import type { ReadApi } from '../read-api.ts';
import type { Refresher } from '../refresher.ts';
import { AlarmTopic } from './alarm-topic.ts';
import { credentialAlarms } from './credential-alarms.ts';
import { createDashboard, dashboardUrl } from './dashboard.ts';
import { functionAlarms } from './function-alarms.ts';

export interface MonitoringProps {
  readonly refresher: Refresher;
  readonly readApi: ReadApi;
  readonly deployment: Deployment;
  /** Encrypts what the topic publishes. */
  readonly key: Key;
  /** Subscribed to the topic. @default no subscription */
  readonly alarmEmail?: string | undefined;
}

/** What operators look at, and what notifies them. */
export class Monitoring extends Construct {
  readonly topicArn: string;
  readonly dashboardUrl: string;

  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const { refresher, readApi, deployment } = props;
    const alarmTopic = new AlarmTopic(this, 'Alarms', { key: props.key, email: props.alarmEmail });
    alarmTopic.grantPublish(refresher.function);
    const { topic } = alarmTopic;
    this.topicArn = topic.topicArn;
    const alarms = [
      ...credentialAlarms(this, topic, deployment),
      ...functionAlarms(this, topic, { refresher, readApi, tickMinutes: deployment.tickMinutes }),
    ];
    const dashboard = createDashboard(this, 'Dashboard', {
      alarms,
      refresher,
      readApi,
      apps: deployment.apps,
    });
    this.dashboardUrl = dashboardUrl(this, dashboard);
  }
}
