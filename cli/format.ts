import { stripVTControlCharacters, styleText } from 'node:util';

/** Durations, bars and tables for people. Pure; colours depend on NO_COLOR and on whether the output is a terminal. */

const BAR_CELLS = 10;

/** The share that is left of the whole; anything left shows at least one cell. */
export function bar(left: number, whole: number): string {
  const share = whole > 0 ? Math.min(1, Math.max(0, left / whole)) : 0;
  const filled = share > 0 ? Math.max(1, Math.round(share * BAR_CELLS)) : 0;
  return '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
}

/** In the largest unit and, if it helps, the next: `1 h 47 min`, `4 min 10 s`, `12 s`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days} d ${hours % 24} h`;
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  if (minutes >= 10) return `${minutes} min`;
  if (minutes > 0) return `${minutes} min ${seconds % 60} s`;
  return `${seconds} s`;
}

export function ago(thenMs: number, nowMs: number): string {
  return `${duration(nowMs - thenMs)} ago`;
}

/** Each column is as wide as its widest cell; two spaces separate them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => widthOf(row[column] ?? ''))),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - widthOf(cell)))
      .join('  ')
      .trimEnd();
  return [styleText('dim', line(head)), ...rows.map(line)];
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length;
}
