import type { Key } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { Config } from '../../config.ts';
import type { ReadApi } from '../read-api.ts';
import type { Refresher } from '../refresher.ts';
import { AlarmTopic } from './alarm-topic.ts';
import { credentialAlarms } from './credential-alarms.ts';
import { dashboard, dashboardUrl } from './dashboard.ts';
import { functionAlarms } from './function-alarms.ts';

type MonitoringProps = {
  readonly refresher: Refresher;
  readonly readApi: ReadApi;
  readonly config: Config;
  /** Encrypts notices. */
  readonly key: Key;
};

/** Where ops look and what wakes them. */
export class Monitoring extends Construct {
  readonly topicArn: string;
  readonly dashboardUrl: string;

  constructor(scope: Construct, id: string, { refresher, readApi, config, key }: MonitoringProps) {
    super(scope, id);
    const notices = new AlarmTopic(this, 'Alarms', { key, email: config.alarmEmail });
    notices.grantPublish(refresher.function);
    this.topicArn = notices.topic.topicArn;
    const alarms = [
      ...credentialAlarms(this, notices.topic, config),
      ...functionAlarms(this, notices.topic, { refresher, readApi, config }),
    ];
    const shown = dashboard(this, 'Dashboard', { alarms, refresher, readApi, config });
    this.dashboardUrl = dashboardUrl(this, shown);
  }
}
