import type { Config } from './config.ts';
import { DEFAULT_PARAMETER_PREFIX, DEFAULT_STACK_NAME } from './config-schema.ts';

/** What may well be meant, but will surprise: told at synth, each by an id with which it can be acknowledged. */
export function warningsOf({ egress, deployment, stackName }: Config): { id: string; text: string }[] {
  const { apps, parameterPrefix } = deployment;
  const withIpList = apps.filter(({ kind }) => kind === 'official-account').map(({ name }) => name);
  const warnings: { id: string; text: string }[] = [];
  if (egress.mode === 'direct' && withIpList.length > 0) {
    warnings.push({
      id: 'wechat-token-refresher:direct-egress',
      text:
        `WeChat answers an official account from allow-listed IPs only, and with egress.mode 'direct' the refresher has ` +
        `none of its own: ${listOf(withIpList)} will fail with 40164 unless the IP list is off. ` +
        "Set egress.mode to 'nat-gateway', 'nat-instance' or 'proxy'; docs/costs.md has their prices.",
    });
  }
  if (stackName !== DEFAULT_STACK_NAME && parameterPrefix === DEFAULT_PARAMETER_PREFIX) {
    warnings.push({
      id: 'wechat-token-refresher:shared-prefix',
      text:
        `Stack ${stackName} writes under ${parameterPrefix}, like every stack that is not told otherwise. Two stacks ` +
        'with an app of the same name would overwrite its parameters in turns: set parameterPrefix if there is one.',
    });
  }
  return warnings;
}

/** 200 names would hide what the sentence says. */
const MAX_NAMES = 10;

function listOf(names: readonly string[]): string {
  const rest = names.length - MAX_NAMES;
  return names.slice(0, MAX_NAMES).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}
