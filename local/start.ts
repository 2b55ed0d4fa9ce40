import { randomBytes } from 'node:crypto';
import { join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { recordTable } from '../functions/aws/record-table.ts';
import type { SecretStore } from '../functions/core/ports.ts';
import { TICK_EVENT } from '../functions/deployment.ts';
import { allowAnonymous } from '../functions/http/authenticator.ts';
import { readApi } from '../functions/http/read-api.ts';
import { createRefresher, noProxy, type Refresher } from '../functions/refresher.ts';
import { systemClock } from '../functions/system-clock.ts';
import { banner, clockTime, resultFormatter } from './console-output.ts';
import { openEmbeddedTable } from './embedded-table.ts';
import type { LocalSettings } from './environment.ts';
import { fileMirror } from './file-mirror.ts';
import { lockFolder } from './folder-lock.ts';
import type { Invoke } from './invoke-api.ts';
import { serveLocally } from './server.ts';
import { DEMO_ACCOUNT, startSimulator } from './simulator/simulator.ts';

const TICK_MS = 1_000;
const REFRESH_AFTER_MS = 100 * 60_000;
const PROBE_MS = 3 * 60_000;
const PREFIX = '/wechat';
/** The demo scales WeChat's two hours and five minutes down to two minutes and twenty seconds. */
const DEMO_LIFETIME_SECONDS = 120;
const DEMO_OVERLAP_SECONDS = 20;

export type LocalMode = {
  readonly url: string;
  /** Finishes the refresh that is under way. */
  stop(): Promise<void>;
};

type Print = (line: string) => void;

/**
 * Starts all of local mode: WeChat (real or simulated), the embedded table, the refresher with its tick, and the
 * loopback port. When a step fails, the steps before it are undone.
 *
 * @throws FolderInUseError, FolderUnusableError, PortInUseError
 */
export async function startLocal(settings: LocalSettings, print: Print): Promise<LocalMode> {
  await using started = new AsyncDisposableStack();
  const { app } = settings;
  const folder = resolve(settings.folder);
  const lock = await lockFolder(folder);
  started.defer(lock.release);

  const wechat = settings.wechat ?? (await startDemo(folder, started));
  const table = await openEmbeddedTable(join(folder, 'dynamodb'));
  started.defer(table.close);
  const store = recordTable(table.client, table.tableName);

  const parameters = join(folder, 'parameters');
  const refresher = createRefresher({
    apps: [app],
    tickMs: TICK_MS,
    refreshAfterMs: REFRESH_AFTER_MS,
    probeMs: PROBE_MS,
    hosts: { official: wechat.hosts, wecom: [] },
    proxyUrl: noProxy,
    store,
    mirror: fileMirror(parameters, PREFIX),
    secrets: environmentSecret(wechat.secret),
    notices: {
      async send({ kind, message }) {
        // The result of the attempt says the same, and is printed.
        if (kind !== 'configuration-error') print(`${clockTime(Date.now())}  ${message}`);
      },
    },
    clock: systemClock,
    onUpstreamCall: () => undefined,
  });
  started.defer(refresher.close);

  const { invoke, settled } = printingInvoke(refresher, print);
  started.defer(settled);
  const read = readApi({
    apps: [app],
    // Who can reach the loopback interface can read the files, too.
    authenticator: allowAnonymous,
    refreshAfterMs: REFRESH_AFTER_MS,
    // The table is in this very process: a cache would only delay what a visitor came to see.
    cacheSeconds: 0,
    store,
    clock: systemClock,
    nonce: () => randomBytes(12).toString('base64url'),
  });
  const server = await serveLocally(settings.port, read, invoke);
  started.defer(server.close);

  const url = `http://127.0.0.1:${server.port}`;
  print(
    banner({
      app,
      hosts: wechat.hosts,
      simulated: settings.wechat === undefined,
      url,
      parameters: `${relative('.', parameters) || parameters}${PREFIX}/tokens/${app.name}/`,
    }),
  );
  started.defer(startTicking(invoke));
  const running = started.move();
  return { url, stop: () => running.disposeAsync() };
}

async function startDemo(folder: string, started: AsyncDisposableStack) {
  const simulator = await startSimulator({
    lifetimeSeconds: DEMO_LIFETIME_SECONDS,
    overlapSeconds: DEMO_OVERLAP_SECONDS,
    statePath: join(folder, 'simulator.json'),
  });
  started.defer(simulator.close);
  return { secret: DEMO_ACCOUNT.secret, hosts: [simulator.url] };
}

/** A secret that changes with the process only, so each start counts as a change by operators. */
function environmentSecret(value: string): SecretStore {
  const secret = { value, revision: `start ${Date.now()}` };
  return {
    read: async () => secret,
    reread: async () => secret,
    whereToPut: () => 'Set WECHAT_SECRET and start again.',
  };
}

/** The refresher's answers to events, each printed as far as it is news. */
function printingInvoke(
  refresher: Refresher,
  print: Print,
): { invoke: Invoke; settled: () => Promise<void> } {
  const format = resultFormatter();
  const run: Invoke = async (event) => {
    const answer = await refresher.answer(event).catch((error: Error) => {
      print(`${clockTime(Date.now())}  ${error.message}`);
      throw error;
    });
    for (const result of 'results' in answer ? answer.results : []) {
      const line = format(result, Date.now());
      if (line) print(line);
    }
    return answer;
  };
  const underWay = new Set<Promise<unknown>>();
  return {
    invoke(event) {
      const running = run(event).finally(() => underWay.delete(running));
      underWay.add(running);
      return running;
    },
    // A token that WeChat has granted and that was not written down is lost, so what is under way is finished first.
    async settled() {
      await Promise.allSettled(underWay);
    },
  };
}

/** What EventBridge Scheduler sends; see infra/constructs/refresher.ts. */

/** Ticks at once, and then `TICK_MS` after each tick has ended. Returns what stops it, after the tick under way. */
function startTicking(invoke: Invoke): () => Promise<void> {
  const stopping = new AbortController();
  const loop = (async () => {
    while (!stopping.signal.aborted) {
      // Printed already; the next tick tries again.
      await invoke(TICK_EVENT).catch(() => undefined);
      await sleep(TICK_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  })();
  return async () => {
    stopping.abort();
    await loop;
  };
}
