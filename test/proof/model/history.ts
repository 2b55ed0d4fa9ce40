import { credentialId } from '../../../functions/core/credential.ts';
import type { Ports } from '../../../functions/core/ports.ts';

/** What was written in the course of time, and what should never have been. */
export class History {
  /** What was written although it must not be. */
  readonly offences: string[] = [];
  /** With clocks that differ by minutes two may hold a lease, and the slower one's write is put right afterwards. */
  clocksDiffered = false;
  readonly #versions = new Map<string, number>();
  readonly #mirrored = new Map<string, number>();
  /** The version of each value that was ever committed. */
  readonly #committed = new Map<string, number>();

  /** The ports, with what goes through them noted when it is carried out. */
  noting(ports: Ports): Ports {
    const { store, mirror } = ports;
    return {
      ...ports,
      store: {
        read: (ids) => store.read(ids),
        swap: async (seen, next) => {
          const written = await store.swap(seen, next);
          if (written) this.#noteRecord(next.id, next.version, next.current?.value);
          return written;
        },
      },
      mirror: {
        write: async (credential, value) => {
          this.#noteMirrored(credentialId(credential.app.name, credential.name), value);
          await mirror.write(credential, value);
        },
      },
    };
  }

  #noteRecord(id: string, version: number, value: string | undefined): void {
    const before = this.#versions.get(id) ?? 0;
    if (version < before) this.offences.push(`${id} went from version ${before} to ${version}`);
    if (version > before + 1) this.offences.push(`${id} went from version ${before} to ${version} at once`);
    if (version === before && value !== undefined && this.#committed.get(`${id} ${value}`) !== version) {
      this.offences.push(`${id} changed its value, but not its version ${version}`);
    }
    this.#versions.set(id, version);
    if (value !== undefined) this.#committed.set(`${id} ${value}`, version);
  }

  #noteMirrored(id: string, value: string): void {
    const version = this.#committed.get(`${id} ${value}`);
    if (version === undefined) {
      this.offences.push(`${id} was mirrored before it was committed`);
      return;
    }
    const before = this.#mirrored.get(id) ?? 0;
    if (version < before && !this.clocksDiffered) {
      this.offences.push(`version ${version} of ${id} was mirrored over ${before}`);
    }
    this.#mirrored.set(id, version);
  }
}
