import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { isLoopback } from '../core/app-schema.ts';

const CONNECT_TIMEOUT_MS = 3_000;

const options = {
  connect: { timeout: CONNECT_TIMEOUT_MS },
  // No connection is kept: Lambda freezes between ticks, and a call on one that broke meanwhile looks like a lost answer.
  pipelining: 0,
  // An HTTP/2 connection that broke in a freeze looks alive, and calls on it wait for their timeout.
  allowH2: false,
};

/** The proxy's URL with its credentials, `undefined` for none. Throws `SourceError` when it cannot be had. */
export type ProxyUrl = () => Promise<string | undefined>;

/** How one request leaves. */
export type EgressRoute = { readonly dispatcher: Dispatcher; readonly throughProxy: boolean };

/** Chooses how a request leaves: directly, or through a proxy; to a simulator on this machine always directly. */
export class EgressDispatcher {
  readonly #direct = new Agent(options);
  readonly #proxyUrl: ProxyUrl;
  #proxy: { readonly url: string; readonly agent: ProxyAgent } | undefined;

  constructor(proxyUrl: ProxyUrl) {
    this.#proxyUrl = proxyUrl;
  }

  async routeTo(host: string): Promise<EgressRoute> {
    const direct = { dispatcher: this.#direct, throughProxy: false };
    if (isLoopback(new URL(host).hostname)) return direct;
    const url = await this.#proxyUrl();
    if (url === undefined) return direct;
    if (this.#proxy?.url !== url) {
      // The calls under way end in their own time; no call waits for the old agent.
      void this.#proxy?.agent.close();
      this.#proxy = {
        url,
        agent: new ProxyAgent({
          ...options,
          uri: url,
          connectTimeout: CONNECT_TIMEOUT_MS,
          proxyTls: { allowH2: false },
        }),
      };
    }
    return { dispatcher: this.#proxy.agent, throughProxy: true };
  }

  async close(): Promise<void> {
    await Promise.all([this.#direct.close(), this.#proxy?.agent.close()]);
  }
}
