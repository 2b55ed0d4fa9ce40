import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  isLive,
  type LocalProcess,
  PROJECT,
  startLocalProcess,
  until,
} from '../support/start-local-process.ts';

/** The command as operators run it, in a process of its own, against local mode. Against a stack: test/e2e/deploy.test.ts. */

const VALUE = /sim(classic|stable|ticket)_\S+|demo-secret/;

let folder: string;
let local: LocalProcess;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
  local = await startLocalProcess(folder);
  await until(() => isLive(local));
});
afterAll(async () => {
  await local.kill();
  rmSync(folder, { recursive: true, force: true });
});

type Result = { code: number | null; stdout: string; stderr: string };

async function run(
  args: readonly string[],
  options: { stopAfter?: RegExp; env?: NodeJS.ProcessEnv } = {},
): Promise<Result> {
  const child = spawn(process.execPath, ['cli/wechat-token-refresher.js', ...args], {
    cwd: PROJECT,
    // Neither the machine's AWS account nor its region.
    env: { PATH: process.env['PATH'], HOME: folder, AWS_EC2_METADATA_DISABLED: 'true', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => (stdout += chunk));
  child.stderr.on('data', (chunk) => (stderr += chunk));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  if (options.stopAfter) {
    const { stopAfter } = options;
    await until(() => stopAfter.test(stdout));
    // Like Ctrl-C: the whole process group gets it.
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
  }
  const code = await ended;
  expect(stdout + stderr).not.toMatch(VALUE);
  expect(stderr).not.toMatch(/^ +at /m);
  return { code, stdout, stderr };
}
const onLocal = (...args: string[]) => run([...args, '--local', local.url]);

describe('against local mode', () => {
  test('status shows every credential', async () => {
    const { code, stdout, stderr } = await onLocal('status');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^CREDENTIAL +STATE +TIME LEFT +RENEWED +VERSION$/m);
    expect(stdout).toMatch(/^default\/access-token +live +█+░* \d.* ago +\d+$/m);
    expect(stdout).toMatch(/^default\/jsapi-ticket +live /m);
  });

  test('status --json is one object', async () => {
    const { stdout } = await onLocal('status', 'default', '--json');
    const { apps } = JSON.parse(stdout);
    expect(apps).toMatchObject([
      { app: 'default', kind: 'official-account', credentials: [{ state: 'live' }, {}] },
    ]);
  });

  test('status --watch goes on until Ctrl-C', async () => {
    const { code, stdout } = await run(['status', '--watch', '--json', '--local', local.url], {
      stopAfter: /(\{.+\}\n){2}/,
    });
    expect(code).toBe(0);
    const [first, second] = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).now);
    expect(second - first).toBeGreaterThan(1_500);
  });

  test('refresh checks an app, and renews by force', async () => {
    expect((await onLocal('refresh', 'default')).stdout).toMatch(/^default\/access-token +fresh /m);
    const { code, stdout } = await onLocal('refresh', 'default', '--force', '--reason', 'a test', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout).results[0]).toMatchObject({ outcome: 'renewed', reason: 'forced' });
    expect((await onLocal('refresh', 'default', '--force')).stdout).toMatch(
      /^default\/access-token +too-soon /m,
    );
  });

  test('doctor checks what local mode has', async () => {
    const { code, stdout } = await onLocal('doctor');
    expect(code).toBe(0);
    for (const line of [
      /^✓ local mode: /m,
      /^✓ default AppSecret: is there$/m,
      /^✓ default http:.* is reached /m,
    ]) {
      expect(stdout).toMatch(line);
    }
    expect(stdout).toMatch(/^✓ default token calls today: WeChat counts (\d+) of 2000, \1 of them ours$/m);
    const { checks } = JSON.parse((await onLocal('doctor', 'default', '--json')).stdout);
    expect(checks[0]).toMatchObject({ level: 'ok', subject: 'local mode' });
  });

  test('quota clear asks first, and resets', async () => {
    expect(await onLocal('quota', 'clear', 'default')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no terminal to confirm on; use --yes'),
    });
    const { code, stdout } = await onLocal('quota', 'clear', 'default', '--yes', '--json');
    expect({ code, answer: JSON.parse(stdout) }).toEqual({
      code: 0,
      answer: { app: 'default', cleared: true },
    });
  });

  test.each([
    ['secret', 'set', 'default'],
    ['secret', 'rotate', 'default'],
    ['reader-key', 'list'],
    ['reader-key', 'create', 'web'],
    ['reader-key', 'revoke', 'web'],
    ['cleanup'],
  ])('%s %s says why local mode does not have it', async (...args) => {
    expect(await onLocal(...args)).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringMatching(
        /^wechat-token-refresher: [a-z -]+ works on a deployed stack only: .+\n$/,
      ),
    });
  });
});

describe('wrong usage ends with 2, and says what is expected', () => {
  test.each([
    [['status', 'unknown'], /^wechat-token-refresher: app: no app of this name .*'default'\n$/],
    [['refresh', 'default', '--reason', 'x'], /^wechat-token-refresher: reason: only goes with 'force'/],
    [['refresh', 'default', '--force', '--credential', 'pay'], /^wechat-token-refresher: credential: /],
    [['quota', 'clear', 'unknown', '--yes'], /^wechat-token-refresher: app: no app of this name /],
    [['refresh'], /missing required argument 'app'/],
    [['statsu'], /unknown command 'statsu'[\s\S]*Did you mean status/],
    [['reader-key', 'create', 'x', '--expires-days', 'soon'], /expected a whole number of days/],
  ])('%j', async (args, expected) => {
    const { code, stdout, stderr } = await onLocal(...args);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(expected);
  });

  test('an invalid address', async () => {
    expect(await run(['status', '--local', 'here'])).toMatchObject({
      code: 2,
      stderr: "wechat-token-refresher: --local: 'here' is not a URL like http://127.0.0.1:8787\n",
    });
  });
});

describe('what is not possible from here ends with 3', () => {
  test('no answer', async () => {
    const { code, stderr } = await run(['status', '--local', 'http://127.0.0.1:9']);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^wechat-token-refresher: Nothing answers on http:\/\/127\.0\.0\.1:9: start local mode/,
    );
  });

  test('no region', async () => {
    expect(await run(['status'])).toMatchObject({
      code: 3,
      stderr: 'wechat-token-refresher: No AWS region is set: use --region or AWS_REGION.\n',
    });
  });

  test('no credentials', async () => {
    expect(await run(['status', '--region', 'us-east-1'])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/^wechat-token-refresher: There are no AWS credentials: /),
    });
  });
});

test('--help has every command, and the exit codes', async () => {
  const { code, stdout } = await run(['--help']);
  expect(code).toBe(0);
  for (const command of [
    'status',
    'refresh',
    'secret',
    'quota',
    'reader-key',
    'doctor',
    'cleanup',
    'Exit codes:',
  ]) {
    expect(stdout).toContain(command);
  }
});
