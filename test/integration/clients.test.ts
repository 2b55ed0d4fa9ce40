import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CLIENTS, installClients } from '../../bench/peers/sdk-packages.ts';
import { openOurSetup } from '../../bench/stampede/our-setup.ts';
import { playRounds } from '../../bench/stampede/rounds.ts';
import { DEMO_ACCOUNT, type Simulator, startSimulator } from '../../local/simulator/simulator.ts';
import { isLive, type LocalProcess, startLocalProcess, until } from '../support/start-local-process.ts';

/** Unmodified WeChat SDKs from npm, which are given the read URL as their base URL; see test/clients. */

const PAGE = 'https://example.com/page?a=1';
const run = promisify(execFile);

let folder: string;
let simulator: Simulator;
let local: LocalProcess;

beforeAll(async () => {
  await installClients();
  folder = mkdtempSync(join(tmpdir(), 'clients-'));
  simulator = await startSimulator();
  local = await startLocalProcess(folder, {
    WECHAT_APPID: DEMO_ACCOUNT.appId,
    WECHAT_SECRET: DEMO_ACCOUNT.secret,
    WECHAT_HOSTS: simulator.url,
  });
  await until(() => simulator.currentTicket(DEMO_ACCOUNT.appId, 'jsapi') !== undefined);
  await until(() => isLive(local));
}, 90_000);
afterAll(async () => {
  await local?.kill();
  await simulator?.close();
  rmSync(folder, { recursive: true, force: true });
});

test.each(['co-wechat-api', 'node-easywechat', 'wechat-api'])(
  '%s gets token and ticket from the read URL, signs a page, and is accepted by WeChat',
  async (client) => {
    const tokenCalls = () =>
      ['/cgi-bin/token', '/cgi-bin/stable_token', '/cgi-bin/ticket/getticket'].map(
        (route) => simulator.calls(route).length,
      );
    const tokenCallsBefore = tokenCalls();
    const callsBefore = simulator.calls().length;

    const { stdout } = await run(process.execPath, [join(CLIENTS, `${client}.js`)], {
      env: {
        PATH: process.env['PATH'],
        READ_URL: local.url,
        WECHAT_URL: simulator.url,
        APPID: DEMO_ACCOUNT.appId,
        // Not an AppSecret: WeChat's own token routes would reject it.
        READER_KEY: 'no-appsecret',
      },
    });

    const { token, ticket, ipList, signed, ofStable } = JSON.parse(stdout);
    const current = simulator.currentToken(DEMO_ACCOUNT.appId, 'classic');
    expect(token).toBe(current);
    expect(ticket).toBe(simulator.currentTicket(DEMO_ACCOUNT.appId, 'jsapi'));
    // The answer of WeChat's protected route; an invalid token would have got an errcode.
    expect(ipList).toEqual(expect.arrayContaining([expect.stringMatching(/^198\.51\.100\./)]));
    expect(signed.signature).toBe(signatureOf(ticket, signed));
    if (client === 'node-easywechat') expect(ofStable).toBe(current);
    expect(tokenCalls()).toEqual(tokenCallsBefore);
    expect(simulator.calls().length).toBe(callsBefore + 1);
    expect(local.output()).not.toContain(current);
  },
);

test('a renewal amid requests of several processes: none fails, and WeChat gets one call', async () => {
  const load = { processes: 2, requests: 60 };
  const setup = await openOurSetup(load);
  try {
    const [round] = await playRounds(setup, { load, rounds: 1, ageMs: 100 * 60_000 });
    expect(round?.tokenCalls).toBe(1);
    expect(round?.outcomes).toHaveLength(60);
    for (const outcome of round?.outcomes ?? []) expect(outcome).toMatchObject({ ok: true });
  } finally {
    await setup.close();
  }
});

/** https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/JS-SDK.html, appendix 1: the signature algorithm. */
function signatureOf(ticket: string, { nonceStr, timestamp }: Record<string, string>): string {
  const raw = `jsapi_ticket=${ticket}&noncestr=${nonceStr}&timestamp=${timestamp}&url=${PAGE}`;
  return createHash('sha1').update(raw).digest('hex');
}
