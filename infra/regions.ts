import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CloudFormationValidatePlugin, Token } from 'aws-cdk-lib';
import { Fact, RegionInfo } from 'aws-cdk-lib/region-info';
import { RootConstruct } from 'constructs';

/**
 * What a region has, and the names in its partition, by the data that CDK brings. A region that synth does not know is taken
 * for one of the partition `aws` that has everything.
 */

/**
 * Lambda's documentation excludes this region, and CloudFormation lists the type there. An HTTP API works in every region.
 * https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html
 */
const LISTED_BUT_EXCLUDED = 'eu-south-2';

/**
 * Whether the read URL may be a Function URL. Not in aws-cn: CloudFormation lists the type in Beijing only, and what is
 * documented for China holds in both of its regions.
 */
export function hasFunctionUrls(region: string | undefined): boolean {
  if (region === undefined) return true;
  if (isInChina(region) || region === LISTED_BUT_EXCLUDED) return false;
  return hasResourceType(region, 'AWS::Lambda::Url');
}

/**
 * Whether Lambda is known to run arm64 code: AWS publishes layers of its own for arm64 there. CloudFormation's data does not
 * tell. CDK lists such layers in aws-cn too, but AWS's documentation for China leaves it open, and x86 runs everywhere:
 * https://docs.amazonaws.cn/en_us/lambda/latest/dg/foundation-arch.html
 */
export function hasArm64(region: string): boolean {
  if (Token.isUnresolved(region)) return true;
  return (
    !isInChina(region) && Fact.definedFacts().some(([of, name]) => of === region && name?.endsWith('arm64'))
  );
}

/** The partition aws-cn: Beijing and Ningxia. */
export function isInChina(region: string | undefined): boolean {
  return region !== undefined && partitionOf(region) === 'aws-cn';
}

/** Undefined where CDK does not know the region. */
export function partitionOf(region: string): string | undefined {
  return RegionInfo.get(region).partition;
}

/**
 * CloudWatch Logs is the one service of ours with a principal for each region, and in each partition another. CDK's own rule
 * for it (`regionalPartitional`) is deprecated with all of `Default.servicePrincipal`.
 */
export function logsPrincipal(region: string): string {
  return `logs.${region}.${RegionInfo.get(region).domainSuffix ?? 'amazonaws.com'}`;
}

/** The console has the domain of its partition's sign-in page, of which CDK has none for aws-eusc. */
export function consoleHost(region: string): string {
  if (partitionOf(region) === 'aws-eusc') return `${region}.console.amazonaws-eusc.eu`;
  const signIn = RegionInfo.get(region).samlSignOnUrl || 'https://signin.aws.amazon.com/saml';
  return `${region}.${new URL(signIn).host.replace('signin', 'console')}`;
}

/** By CDK's validation of templates: the same data that would refuse the stack at the end of synth. */
function hasResourceType(region: string, type: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'wechat-token-refresher-'));
  const templatePath = join(folder, 'probe.template.json');
  writeFileSync(templatePath, JSON.stringify({ Resources: { Probe: { Type: type } } }));
  const { violations } = validator.validate({
    templatePaths: [templatePath],
    stackTemplates: [{ stackConstructPath: 'Probe', templatePath, accountId: undefined, region }],
    appConstruct: new RootConstruct(),
  });
  rmSync(folder, { recursive: true });
  return !violations.some(({ ruleName }) => ruleName === UNKNOWN_RESOURCE_TYPE);
}

const UNKNOWN_RESOURCE_TYPE = 'F3006';

/** One for all questions: its first answer takes about a second, each other one milliseconds. */
const validator = new CloudFormationValidatePlugin({ includeDefaultRules: false });
