import { arch, cpus, release, totalmem, type } from 'node:os';

/** On what and when a bench ran: figures of time mean nothing without it. */
export function machine(): string {
  const [cpu] = cpus();
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  const day = new Date().toISOString().slice(0, 10);
  return `Measured on ${day}: ${cpus().length} x ${cpu?.model.trim()}, ${memoryGb} GB, ${type()} ${release()} ${arch()}, Node ${process.versions.node}.`;
}
