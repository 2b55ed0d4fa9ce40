import { Agent, type Dispatcher, ProxyAgent } from 'undici';
import { isLoopback } from './hosts.ts';

const CONNECT_TIMEOUT_MS = 3_000;
/** WeChat's answers are a few hundred bytes. */
const MAX_ANSWER_BYTES = 64 * 1024;

const options = {
  connect: { timeout: CONNECT_TIMEOUT_MS },
  // No connection is kept: Lambda freezes between ticks, and a call on one that died meanwhile looks like a lost answer.
  pipelining: 0,
  maxResponseSize: MAX_ANSWER_BYTES,
};

/** The proxy's URL with its credentials, `undefined` for none. Throws `SourceError` when it cannot be had. */
export type ProxyUrl = () => Promise<string | undefined>;

export type Way = { readonly dispatcher: Dispatcher; readonly throughProxy: boolean };

/** How a request gets out: straight, or through a proxy; to this machine's own simulator always straight. */
export class EgressDispatcher {
  readonly #direct = new Agent(options);
  readonly #proxyUrl: ProxyUrl;
  #proxy: { readonly url: string; readonly agent: ProxyAgent } | undefined;

  constructor(proxyUrl: ProxyUrl) {
    this.#proxyUrl = proxyUrl;
  }

  async to(host: string): Promise<Way> {
    const straight = { dispatcher: this.#direct, throughProxy: false };
    if (isLoopback(new URL(host).hostname)) return straight;
    const url = await this.#proxyUrl();
    if (url === undefined) return straight;
    if (this.#proxy?.url !== url) {
      // The calls under way end in their own time; nobody waits for the old one.
      void this.#proxy?.agent.close();
      this.#proxy = {
        url,
        agent: new ProxyAgent({ ...options, uri: url, connectTimeout: CONNECT_TIMEOUT_MS }),
      };
    }
    return { dispatcher: this.#proxy.agent, throughProxy: true };
  }

  async close(): Promise<void> {
    await Promise.all([this.#direct.close(), this.#proxy?.agent.close()]);
  }
}
