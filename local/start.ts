import { randomBytes } from 'node:crypto';
import { join, relative, resolve } from 'node:path';
import { recordTable } from '../functions/aws/record-table.ts';
import { appSchema } from '../functions/core/app-schema.ts';
import { accountOf, credentialsOf } from '../functions/core/credential.ts';
import type { SecretStore } from '../functions/core/ports.ts';
import { allowAnonymous } from '../functions/http/authenticator.ts';
import { readApi } from '../functions/http/read-api.ts';
import { createRefresher, noProxy } from '../functions/refresher.ts';
import { systemClock } from '../functions/system-clock.ts';
import { openEmbeddedTable } from './embedded-table.ts';
import type { LocalSettings } from './environment.ts';
import { fileMirror } from './file-mirror.ts';
import { claimFolder } from './folder-lock.ts';
import { banner, clockTime, resultLines } from './lines.ts';
import { serveLocally } from './server.ts';
import { DEMO_ACCOUNT, startSimulator } from './simulator/simulator.ts';
import { startTicking } from './ticker.ts';

const TICK_MS = 1_000;
const REFRESH_AFTER_MS = 100 * 60_000;
const PROBE_MS = 5 * 60_000;
const PREFIX = '/wechat';
/** The demo scales WeChat's two hours and five minutes down to two minutes and twenty seconds. */
const DEMO_LIFETIME_SECONDS = 120;
const DEMO_OVERLAP_SECONDS = 20;

export type Local = { readonly url: string; stop(): Promise<void> };

/** Undoes what was started, last first, whatever each step says. */
class Stack {
  readonly #undo: (() => Promise<void>)[] = [];
  push(undo: () => Promise<void>): void {
    this.#undo.push(undo);
  }
  async unwind(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) await undo();
  }
}

/**
 * Starts everything that local mode is: WeChat (real or simulated), the embedded table, the refresher with its tick,
 * and the loopback port. Leaves nothing behind when a step fails.
 */
export async function startLocal(settings: LocalSettings, print: (line: string) => void): Promise<Local> {
  const started = new Stack();
  try {
    return await start(settings, print, started);
  } catch (error) {
    await started.unwind();
    throw error;
  }
}

async function start(settings: LocalSettings, print: (line: string) => void, started: Stack): Promise<Local> {
  const folder = resolve(settings.folder);
  const lock = await claimFolder(folder);
  started.push(lock.release);

  const account = settings.account ?? (await startDemo(folder, started));
  const app = appSchema.parse({ ...settings.app, appId: account.appId });
  const table = await openEmbeddedTable(join(folder, 'dynamodb'));
  started.push(table.close);
  const store = recordTable(table.client, table.tableName);

  const parameters = join(folder, 'parameters');
  const refresher = createRefresher({
    apps: [app],
    tickMs: TICK_MS,
    refreshAfterMs: REFRESH_AFTER_MS,
    probeMs: PROBE_MS,
    hosts: { official: account.hosts, wecom: [] },
    proxyUrl: noProxy,
    store,
    mirror: fileMirror(parameters, PREFIX),
    secrets: environmentSecret(account.secret),
    notices: {
      async send({ kind, message }) {
        // The result of the attempt says the same, and is printed.
        if (kind !== 'configuration-error') print(`${clockTime(Date.now())}  ${message}`);
      },
    },
    clock: systemClock,
    onUpstreamCall: () => undefined,
  });
  started.push(refresher.close);

  const lineOf = resultLines();
  const run = async (event: unknown) => {
    const answer = await refresher.answer(event).catch((error: Error) => {
      print(`${clockTime(Date.now())}  ${error.message}`);
      throw error;
    });
    for (const result of 'results' in answer ? answer.results : []) {
      const line = lineOf(result, Date.now());
      if (line) print(line);
    }
    return answer;
  };
  // What is under way at Ctrl-C is finished first: a token that WeChat has granted and nobody wrote down is lost.
  const underWay = new Set<Promise<unknown>>();
  started.push(async () => void (await Promise.allSettled(underWay)));
  const invoke = (event: unknown) => {
    const running = run(event).finally(() => underWay.delete(running));
    underWay.add(running);
    return running;
  };
  const read = readApi({
    apps: [app],
    // Whoever can reach the loopback interface can read the files, too.
    authenticator: allowAnonymous,
    refreshAfterMs: REFRESH_AFTER_MS,
    // The table is in this very process: a cache would only delay what a visitor came to see.
    cacheSeconds: 0,
    store,
    clock: systemClock,
    nonce: () => randomBytes(12).toString('base64url'),
  });
  const server = await serveLocally(settings.port, read, invoke);
  started.push(server.close);

  const url = `http://127.0.0.1:${server.port}`;
  print(
    banner({
      wechat: settings.account
        ? account.hosts.join(', ')
        : `a simulator on ${account.hosts.join(', ')}; set WECHAT_APPID and WECHAT_SECRET for the real one`,
      appId: accountOf(app),
      baseUrl: url,
      parameters: `${relative('.', parameters) || parameters}${PREFIX}/tokens/default/`,
      credentials: credentialsOf(app).map(({ name }) => name),
    }),
  );
  const ticker = startTicking(TICK_MS, async (event) => {
    await invoke(event).catch(() => undefined);
  });
  started.push(ticker.stop);
  return { url, stop: () => started.unwind() };
}

async function startDemo(folder: string, started: Stack) {
  const simulator = await startSimulator({
    lifetimeSeconds: DEMO_LIFETIME_SECONDS,
    overlapSeconds: DEMO_OVERLAP_SECONDS,
    statePath: join(folder, 'simulator.json'),
  });
  started.push(() => simulator.close());
  return { ...DEMO_ACCOUNT, hosts: [simulator.url] };
}

/** The secret of the environment: it changes with the process only, so each start counts as a change by ops. */
function environmentSecret(value: string): SecretStore {
  const secret = { value, revision: `start ${Date.now()}` };
  return {
    read: async () => secret,
    reread: async () => secret,
    whereToPut: () => 'Set WECHAT_SECRET and start again.',
  };
}
