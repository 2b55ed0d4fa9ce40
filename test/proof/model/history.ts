import { credentialId } from '../../../functions/core/credential.ts';
import type { Ports } from '../../../functions/core/ports.ts';

/** Records every write to the table and the mirror, and which of them must not have happened. */
export class History {
  readonly violations: string[] = [];
  /** With clocks minutes apart two runs may hold a lease, and the later write of the slower one is corrected afterwards. */
  clocksDiffered = false;
  readonly #versions = new Map<string, number>();
  readonly #mirrored = new Map<string, number>();
  /** The version of each value that was ever committed. */
  readonly #committed = new Map<string, number>();

  /** The ports, with each write recorded when it is carried out. */
  recording(ports: Ports): Ports {
    const { store, mirror } = ports;
    return {
      ...ports,
      store: {
        read: (ids) => store.read(ids),
        swap: async (seen, next) => {
          const written = await store.swap(seen, next);
          if (written) this.#recordCommit(next.id, next.version, next.current?.value);
          return written;
        },
      },
      mirror: {
        write: async (credential, value) => {
          this.#recordMirrored(credentialId(credential.app.name, credential.name), value);
          await mirror.write(credential, value);
        },
      },
    };
  }

  #recordCommit(id: string, version: number, value: string | undefined): void {
    const before = this.#versions.get(id) ?? 0;
    if (version < before) this.violations.push(`${id} went from version ${before} to ${version}`);
    if (version > before + 1) this.violations.push(`${id} skipped from version ${before} to ${version}`);
    if (version === before && value !== undefined && this.#committed.get(`${id} ${value}`) !== version) {
      this.violations.push(`${id} changed its value, but not its version ${version}`);
    }
    this.#versions.set(id, version);
    if (value !== undefined) this.#committed.set(`${id} ${value}`, version);
  }

  #recordMirrored(id: string, value: string): void {
    const version = this.#committed.get(`${id} ${value}`);
    if (version === undefined) {
      this.violations.push(`${id} was mirrored before it was committed`);
      return;
    }
    const before = this.#mirrored.get(id) ?? 0;
    if (version < before && !this.clocksDiffered) {
      this.violations.push(`version ${version} of ${id} was mirrored over ${before}`);
    }
    this.#mirrored.set(id, version);
  }
}
