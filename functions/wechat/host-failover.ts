/** So long after the first host failed it is tried again, although another one works. */
const RETURN_AFTER_MS = 600_000;

/** Which of WeChat's hosts to ask: the first, unless it failed lately. Instants are epoch ms. */
export class HostFailover {
  readonly #hosts: readonly string[];
  /** The one after the host that failed last. */
  #successor = 0;
  #returnAt = 0;

  /** @param hosts base URLs, the preferred one first (docs/wechat.md#transport) */
  constructor(hosts: readonly string[]) {
    this.#hosts = hosts;
  }

  /** The host to begin with. */
  current(now: number): string {
    const waitMs = this.#returnAt - now;
    // A clock that was set back must not keep us away for longer.
    return this.#at(waitMs > 0 && waitMs <= RETURN_AFTER_MS ? this.#successor : 0);
  }

  /** Remembers that `host` failed, and returns the host to ask instead: the same one if there is no other. */
  failed(host: string, now: number): string {
    const index = this.#hosts.indexOf(host);
    this.#successor = (index + 1) % this.#hosts.length;
    if (index === 0) this.#returnAt = now + RETURN_AFTER_MS;
    return this.#at(this.#successor);
  }

  #at(index: number): string {
    return this.#hosts[index] ?? '';
  }
}
