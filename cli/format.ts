import { stripVTControlCharacters, styleText } from 'node:util';

/** Words, numbers and tables for people. Pure; colours follow NO_COLOR and whether a terminal is there. */

const BAR_CELLS = 10;

/** Filled by what is left of the whole. */
export function bar(left: number, whole: number): string {
  const share = whole > 0 ? Math.min(1, Math.max(0, left / whole)) : 0;
  const filled = share > 0 ? Math.max(1, Math.round(share * BAR_CELLS)) : 0;
  return '█'.repeat(filled) + '░'.repeat(BAR_CELLS - filled);
}

/** The two largest units that matter: `1 h 47 min`, `4 min 10 s`, `12 s`. */
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

export function ago(then: number, now: number): string {
  return `${duration(now - then)} ago`;
}

/** Columns as wide as their widest cell, two spaces between them. */
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
