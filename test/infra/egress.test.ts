import { Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import { resourcesOf, tokenStack } from './synth.ts';
import { ofType, type Resources, theOnly } from './template.ts';

const build = (mode: string, wechat: object = {}) => tokenStack({ wechat: { ...wechat, egress: { mode } } });

describe.each(['nat-gateway', 'nat-instance'])('%s', (mode) => {
  const stack = build(mode);
  const resources = resourcesOf(stack);

  test('traffic leaves from one Elastic IP, and it is an output', () => {
    const [[id] = []] = Object.entries(ofType('AWS::EC2::EIP', resources));
    expect(theOnly('AWS::EC2::EIP', resources).Properties).toMatchObject({ Domain: 'vpc' });
    const { Value } = Template.fromStack(stack).toJSON()['Outputs'].EgressIp;
    expect(Value['Fn::GetAtt']).toEqual([expect.stringContaining(String(id)), 'PublicIp']);
  });

  test('the address survives a redeploy with other settings', () => {
    const idsOf = (from: ReturnType<typeof build>) =>
      Object.keys(Template.fromStack(from).findResources('AWS::EC2::EIP'));
    const changed = build(mode, { tickMinutes: 2, readUrl: { auth: 'key' }, alarmEmail: 'ops@example.com' });
    expect(idsOf(changed)).toEqual(idsOf(stack));
  });

  test('the refresher is inside, in private subnets, and it alone', () => {
    const inside = Object.entries(ofType('AWS::Lambda::Function', resources)).filter(
      ([, { Properties }]) => 'VpcConfig' in Properties,
    );
    expect(inside.map(([id]) => id)).toEqual(['RefresherRefreshFunction']);
    expect(inside[0]?.[1].Properties['VpcConfig']).toEqual({
      SubnetIds: ['<EgressVpcPrivateSubnet1Subnet>', '<EgressVpcPrivateSubnet2Subnet>'],
      SecurityGroupIds: ['<EgressOutbound.GroupId>'],
    });
  });

  test('both private subnets route through the one NAT', () => {
    const routes = Object.entries(ofType('AWS::EC2::Route', resources)).filter(([id]) =>
      id.includes('Private'),
    );
    expect(routes).toHaveLength(2);
    const through = mode === 'nat-gateway' ? 'NatGatewayId' : 'InstanceId';
    expect(new Set(routes.map(([, { Properties }]) => Properties[through])).size).toBe(1);
    expect(routes[0]?.[1].Properties[through]).toBeDefined();
  });

  test('the table is reached without the NAT', () => {
    expect(theOnly('AWS::EC2::VPCEndpoint', resources).Properties).toMatchObject({
      VpcEndpointType: 'Gateway',
      ServiceName: 'com.amazonaws.<AWS::Region>.dynamodb',
      RouteTableIds: [
        '<EgressVpcPrivateSubnet1RouteTable>',
        '<EgressVpcPrivateSubnet2RouteTable>',
        ...publicTables(resources),
      ],
    });
  });

  test('no inbound traffic, and outbound HTTPS only', () => {
    const { Properties } = resources['EgressOutbound'] ?? {};
    expect(Properties?.['SecurityGroupIngress']).toBeUndefined();
    expect(Properties?.['SecurityGroupEgress']).toEqual([
      { CidrIp: '0.0.0.0/0', Description: 'WeChat and AWS', FromPort: 443, IpProtocol: 'tcp', ToPort: 443 },
    ]);
  });
});

const publicTables = (resources: Resources) =>
  Object.keys(ofType('AWS::EC2::RouteTable', resources))
    .filter((id) => id.includes('Public'))
    .map((id) => `<${id}>`);

test('a NAT gateway takes the address by its allocation', () => {
  expect(theOnly('AWS::EC2::NatGateway', resourcesOf(build('nat-gateway'))).Properties).toMatchObject({
    AllocationId: '<EgressGatewayIp.AllocationId>',
  });
});

describe('a NAT instance', () => {
  const resources = resourcesOf(build('nat-instance'));

  test('is the smallest there is, on an encrypted disk, and gets the address', () => {
    const instance = theOnly('AWS::EC2::Instance', resources).Properties;
    expect(instance).toMatchObject({
      InstanceType: 't4g.nano',
      SourceDestCheck: false,
      BlockDeviceMappings: [{ Ebs: { Encrypted: true } }],
    });
    expect(theOnly('AWS::EC2::EIPAssociation', resources).Properties).toMatchObject({
      AllocationId: '<EgressInstanceIp.AllocationId>',
    });
  });

  test('installs what it needs until that works: its address changes meanwhile', () => {
    expect(JSON.stringify(theOnly('AWS::EC2::Instance', resources).Properties['UserData'])).toContain(
      'until yum install iptables-services -y; do sleep 5; done',
    );
  });

  test('takes in what comes from inside the VPC only', () => {
    const ingress = Object.values(ofType('AWS::EC2::SecurityGroup', resources)).flatMap(
      ({ Properties }) => (Properties['SecurityGroupIngress'] ?? []) as { CidrIp: string }[],
    );
    expect(ingress.map(({ CidrIp }) => CidrIp)).toEqual(['10.90.0.0/24']);
  });
});

test("WeChat's hosts on other ports may be reached, too", () => {
  const other = resourcesOf(build('nat-gateway', { wechatHosts: ['https://wechat.example.com:8443'] }));
  const ports = other['EgressOutbound']?.Properties['SecurityGroupEgress'] as { ToPort: number }[];
  expect(ports.map(({ ToPort }) => ToPort)).toEqual([443, 8443]);
});

test.each([
  ['direct', {}],
  ['proxy', { egress: { mode: 'proxy', proxyUrlParameter: '/net/proxy-url' } }],
])('%s needs no VPC and has no fixed address to output', (_mode, wechat) => {
  const stack = tokenStack({ wechat });
  const types = Object.values(resourcesOf(stack)).map(({ Type }) => Type);
  expect(types.filter((type) => type.startsWith('AWS::EC2::'))).toEqual([]);
  expect(Template.fromStack(stack).toJSON()['Outputs']).not.toHaveProperty('EgressIp');
});

test('a proxy is named by its parameter', () => {
  const behindProxy = resourcesOf(
    tokenStack({ wechat: { egress: { mode: 'proxy', proxyUrlParameter: '/net/proxy-url' } } }),
  );
  expect(behindProxy['RefresherRefreshFunction']?.Properties).toMatchObject({
    Environment: { Variables: { PROXY_URL_PARAMETER: '/net/proxy-url' } },
  });
});
