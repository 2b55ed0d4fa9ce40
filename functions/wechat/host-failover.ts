/** So long after the first host failed it is tried again, although another one works. */
const RETURN_AFTER_MS = 600_000;

/** Which of WeChat's hosts to ask: the first, unless it failed lately and another one works. Instants are epoch ms. */
export class HostFailover {
  readonly #hosts: readonly string[];
  #healthy = 0;
  #returnAt = 0;

  /** @param hosts base URLs, the preferred one first (docs/wechat.md#transport) */
  constructor(hosts: readonly string[]) {
    this.#hosts = hosts;
  }

  /** The host to begin with. */
  current(now: number): string {
    const waitMs = this.#returnAt - now;
    // A clock that was set back must not keep us away for longer.
    return this.#at(waitMs > 0 && waitMs <= RETURN_AFTER_MS ? this.#healthy : 0);
  }

  /** The host to try after `host`, which may be unhealthy. */
  next(host: string, now: number): string {
    const index = this.#hosts.indexOf(host);
    if (index === 0) this.#returnAt = now + RETURN_AFTER_MS;
    return this.#at(index + 1);
  }

  markHealthy(host: string): void {
    this.#healthy = this.#hosts.indexOf(host);
  }

  #at(index: number): string {
    return this.#hosts[index % this.#hosts.length] ?? '';
  }
}
