import { type App, accountOf, credentialsOf } from '../functions/core/credential.ts';
import type { CredentialResult } from '../functions/core/reporting/results.ts';

/** What local mode prints. Never a value: values are read from the URL or the file. */

/** Printed once, when the port is open. */
export function banner(facts: {
  app: App;
  hosts: readonly string[];
  /** `hosts` is a simulator that local mode has started. */
  simulated: boolean;
  url: string;
  /** The folder with the app's parameters. */
  parameters: string;
}): string {
  const { app, url, parameters } = facts;
  const hosts = facts.hosts.join(', ');
  const credentials = credentialsOf(app).map(({ name }) => name);
  const rows: [string, string][] = [
    [
      'WeChat',
      facts.simulated
        ? `a simulator on ${hosts}; set WECHAT_APPID and WECHAT_SECRET for the real one`
        : hosts,
    ],
    ['App', `${app.name} (${accountOf(app)}): ${credentials.join(', ')}`],
    ['Read', `curl ${url}/apps/${app.name}/access-token`],
    ['Files', parameters],
    ['Health', `curl ${url}/health`],
    [
      'Refresh',
      `curl -X POST ${url}/2015-03-31/functions/refresh/invocations -d '{"app":"${app.name}","force":true}'`,
    ],
    ['Stop', 'Ctrl-C'],
  ];
  const table = rows.map(([name, value]) => `  ${name.padEnd(9)}${value}`);
  return ['wechat-token-refresher, local mode', '', ...table, ''].join('\n');
}

/**
 * Formats results, a line a change: a failure is printed once, until its cause changes.
 *
 * @returns a function whose answer is undefined when there is nothing new
 */
export function resultFormatter(): (result: CredentialResult, now: number) => string | undefined {
  const lastErrors = new Map<string, string>();
  return (result, now) => {
    const id = `${result.app}/${result.credential}`;
    const { error } = result;
    const lastError = lastErrors.get(id);
    if (error) lastErrors.set(id, error.message);
    else if (result.outcome === 'fresh' || result.outcome === 'renewed') lastErrors.delete(id);

    const start = `${clockTime(now)}  ${id.padEnd(22)}`;
    if (error && error.message !== lastError) return `${start}  ${result.outcome}: ${error.message}`;
    if (result.outcome === 'renewed') {
      return `${start}  renewed to version ${result.version}, ${validity(result, now)}`;
    }
    if (result.outcome === 'mirrored') return `${start}  parameter repaired at version ${result.version}`;
    return undefined;
  };
}

function validity({ expiresAt }: CredentialResult, now: number): string {
  if (expiresAt === null) return 'without an end';
  return `good for ${Math.round((expiresAt - now) / 1000)} s, until ${clockTime(expiresAt)}`;
}

/** The time of day on this machine. */
export function clockTime(instantMs: number): string {
  return new Date(instantMs).toTimeString().slice(0, 8);
}
