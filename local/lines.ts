import type { CredentialResult } from '../functions/core/reporting/results.ts';

/** What a person reads while local mode runs. Never a value: values are read from the URL or the file. */

export function banner(facts: {
  wechat: string;
  appId: string;
  baseUrl: string;
  parameters: string;
  credentials: readonly string[];
}): string {
  const { baseUrl, parameters, credentials } = facts;
  const rows: [string, string][] = [
    ['WeChat', facts.wechat],
    ['App', `default (${facts.appId}): ${credentials.join(', ')}`],
    ['Read', `curl ${baseUrl}/apps/default/access-token`],
    ['Files', parameters],
    ['Health', `curl ${baseUrl}/health`],
    [
      'Refresh',
      `curl -X POST ${baseUrl}/2015-03-31/functions/refresh/invocations -d '{"app":"default","force":true}'`,
    ],
    ['Stop', 'Ctrl-C'],
  ];
  const table = rows.map(([name, value]) => `  ${name.padEnd(9)}${value}`);
  return ['wechat-token-refresher, local mode', '', ...table, ''].join('\n');
}

/** One line a change; a failure is told once, until its cause changes. Undefined: nothing new. */
export function resultLines(): (result: CredentialResult, now: number) => string | undefined {
  const lastErrors = new Map<string, string>();
  return (result, now) => {
    const id = `${result.app}/${result.credential}`;
    const { error } = result;
    const known = lastErrors.get(id);
    if (error) lastErrors.set(id, error.message);
    else if (result.outcome === 'fresh' || result.outcome === 'renewed') lastErrors.delete(id);

    const start = `${clockTime(now)}  ${id.padEnd(22)}`;
    if (error && error.message !== known) return `${start}  ${result.outcome}: ${error.message}`;
    if (result.outcome === 'renewed')
      return `${start}  renewed to version ${result.version}, ${life(result, now)}`;
    if (result.outcome === 'mirrored') return `${start}  parameter repaired at version ${result.version}`;
    return undefined;
  };
}

function life({ expiresAt }: CredentialResult, now: number): string {
  if (expiresAt === null) return 'without an end';
  return `good for ${Math.round((expiresAt - now) / 1000)} s, until ${clockTime(expiresAt)}`;
}

export function clockTime(instantMs: number): string {
  return new Date(instantMs).toTimeString().slice(0, 8);
}
