import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { Deployment } from '../functions/deployment.ts';
import type { EgressOptions, FrontEndKind } from './config-schema.ts';
import { CredentialTable } from './constructs/credential-table.ts';
import { FixedIpEgress } from './constructs/egress.ts';
import { encryptionKey } from './constructs/encryption-key.ts';
import { Monitoring } from './constructs/monitoring/monitoring.ts';
import { ReadApi } from './constructs/read-api.ts';
import { Refresher } from './constructs/refresher.ts';

export interface WechatTokensProps {
  /** The accounts, and what the functions must know about them; travels in the functions' assets. */
  readonly deployment: Deployment;
  /** How the refresher reaches WeChat. */
  readonly egress: EgressOptions;
  /** What answers under the read URL; `function-url` in the regions that have function URLs. */
  readonly frontEnd: FrontEndKind;
  /** The customer's own KMS key for the table and the parameters. @default AWS's keys */
  readonly customerKey?: IKey | undefined;
  /** Accounts that may read, by a role that they assume. @default no other account */
  readonly readerAccounts?: readonly string[] | undefined;
  /** Subscribed to alarms and notices. @default no subscription */
  readonly alarmEmail?: string | undefined;
}

/**
 * Keeps WeChat credentials fresh: the table that is their source of truth, the refresher with its tick, the read URL,
 * and the monitoring of all that. Metrics and log lines carry the stack's name as `service`.
 */
export class WechatTokens extends Construct {
  readonly table: CredentialTable;
  /** Undefined where the refresher has no IP of its own. */
  readonly egress: FixedIpEgress | undefined;
  readonly refresher: Refresher;
  readonly readApi: ReadApi;
  readonly monitoring: Monitoring;

  constructor(scope: Construct, id: string, props: WechatTokensProps) {
    super(scope, id);
    const { deployment, customerKey } = props;
    const key = encryptionKey(this, 'Key');
    this.table = new CredentialTable(this, 'Credentials', { customerKey });
    this.egress = this.#fixedIpEgress(props);
    this.refresher = new Refresher(this, 'Refresher', {
      deployment,
      table: this.table,
      logKey: key,
      customerKey,
      egress: this.egress,
      proxyUrlParameter: props.egress.proxyUrlParameter,
    });
    this.readApi = new ReadApi(this, 'ReadApi', {
      deployment,
      frontEnd: props.frontEnd,
      table: this.table,
      logKey: key,
      customerKey,
      readerAccounts: props.readerAccounts,
    });
    this.monitoring = new Monitoring(this, 'Monitoring', {
      refresher: this.refresher,
      readApi: this.readApi,
      deployment,
      key,
      alarmEmail: props.alarmEmail,
    });
  }

  #fixedIpEgress({ egress: { mode }, deployment }: WechatTokensProps): FixedIpEgress | undefined {
    if (mode === 'direct' || mode === 'proxy') return undefined;
    const hosts = [...deployment.wechatHosts, ...deployment.wecomHosts];
    const ports = hosts.map((host) => Number(new URL(host).port || 443));
    return new FixedIpEgress(this, 'Egress', { mode, ports });
  }
}
