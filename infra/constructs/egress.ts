import { Stack } from 'aws-cdk-lib';
import {
  CfnEIP,
  CfnEIPAssociation,
  type CfnInstance,
  GatewayVpcEndpointAwsService,
  InstanceClass,
  InstanceSize,
  InstanceType,
  IpAddresses,
  type IVpc,
  NatInstanceProviderV2,
  NatProvider,
  NatTrafficDirection,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  UserData,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Effect, PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { EgressOptions } from '../config-schema.ts';
import { acknowledge, acknowledgeWildcard } from './permissions.ts';

export interface FixedIpEgressProps {
  readonly mode: Extract<EgressOptions['mode'], `nat-${string}`>;
  /** Ports of WeChat's hosts; 443 is always open. */
  readonly ports: readonly number[];
}

/** Of the VPC, which is not connected with any other. */
const CIDR = '10.90.0.0/24';

/**
 * Egress with one fixed IP, for accounts that WeChat answers from an IP allow-list only: a VPC whose private subnets leave
 * through one NAT with an Elastic IP. The stack keeps the address as long as the mode stays; the other mode has another.
 */
export class FixedIpEgress extends Construct {
  readonly ip: string;
  readonly vpc: IVpc;
  readonly securityGroup: SecurityGroup;

  constructor(scope: Construct, id: string, { mode, ports }: FixedIpEgressProps) {
    super(scope, id);
    const throughGateway = mode === 'nat-gateway';
    const ip = new CfnEIP(this, throughGateway ? 'GatewayIp' : 'InstanceIp', { domain: 'vpc' });
    this.ip = ip.attrPublicIp;
    const instances = throughGateway ? undefined : natInstance();
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(CIDR),
      maxAzs: 2,
      natGateways: 1,
      natGatewayProvider: instances ?? NatProvider.gateway({ eipAllocationIds: [ip.attrAllocationId] }),
      subnetConfiguration: [
        { name: 'Public', subnetType: SubnetType.PUBLIC, cidrMask: 28 },
        { name: 'Private', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 27 },
      ],
      // Its table costs no NAT traffic.
      gatewayEndpoints: { DynamoDB: { service: GatewayVpcEndpointAwsService.DYNAMODB } },
      // Nothing uses that group, and emptying it takes a custom resource: a function with a role of its own.
      restrictDefaultSecurityGroup: false,
    });
    acknowledge(vpc, 'AwsSolutions-VPC7', 'One function calls out from here, and logs each call itself.');
    // Its declaration knows nothing of exactOptionalPropertyTypes.
    this.vpc = vpc as IVpc;
    if (instances) this.#assignIp(instances, ip);

    this.securityGroup = new SecurityGroup(this, 'Outbound', {
      vpc: this.vpc,
      description: 'From the refresher to WeChat and AWS; nothing inbound',
      allowAllOutbound: false,
    });
    for (const port of new Set([443, ...ports])) {
      this.securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(port), 'WeChat and AWS');
    }
  }

  #assignIp(instances: NatInstanceProviderV2, ip: CfnEIP): void {
    const [instance] = instances.gatewayInstances;
    if (!instance) throw new Error('the VPC has no NAT instance');
    instances.connections.allowFrom(Peer.ipv4(CIDR), Port.allTcp(), 'From the private subnets');
    new CfnEIPAssociation(this, 'InstanceAddress', {
      allocationId: ip.attrAllocationId,
      instanceId: instance.instanceId,
    });
    // The provider takes no block devices.
    (instance.node.defaultChild as CfnInstance).blockDeviceMappings = [
      { deviceName: '/dev/xvda', ebs: { encrypted: true, volumeType: 'gp3', volumeSize: 8 } },
    ];
    acknowledge(instance, 'AwsSolutions-EC28', 'The alarms on expiring tokens fire when it fails.');
    acknowledge(instance, 'AwsSolutions-EC29', 'It holds no state; another one takes its address.');
  }

  /**
   * Lambda makes the function's network interfaces with the function's role. The function's code is denied all of it:
   * https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html
   */
  static allowVpcAttachment(role: Role): void {
    const interfaces = Stack.of(role).formatArn({ service: 'ec2', resource: '*', resourceName: '*' });
    const manage = [
      'ec2:AssignPrivateIpAddresses',
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:UnassignPrivateIpAddresses',
    ];
    const describe = ['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets'];
    role.addToPolicy(new PolicyStatement({ actions: manage, resources: [interfaces] }));
    role.addToPolicy(new PolicyStatement({ actions: describe, resources: ['*'] }));
    role.addToPolicy(
      new PolicyStatement({
        effect: Effect.DENY,
        actions: [...manage, ...describe],
        resources: ['*'],
        conditions: { Null: { 'lambda:SourceFunctionArn': 'false' } },
      }),
    );
    acknowledgeWildcard(role, interfaces, "Lambda chooses the interfaces' ids, and needs to delete them.");
    acknowledgeWildcard(role, '*', 'EC2 describes on no narrower resource.');
  }
}

function natInstance(): NatInstanceProviderV2 {
  const userData = UserData.forLinux();
  // The instance gets its Elastic IP while it starts, which cuts the download.
  const commands = NatInstanceProviderV2.DEFAULT_USER_DATA_COMMANDS.map((command) =>
    command.startsWith('yum install') ? `until ${command}; do sleep 5; done` : command,
  );
  userData.addCommands(...commands);
  return NatProvider.instanceV2({
    userData,
    instanceType: InstanceType.of(InstanceClass.T4G, InstanceSize.NANO),
    defaultAllowedTraffic: NatTrafficDirection.OUTBOUND_ONLY,
  });
}
