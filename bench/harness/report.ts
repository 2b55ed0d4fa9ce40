import { readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus, release, totalmem, type } from 'node:os';

/** A page in docs/ holds a bench's results between two marks; the first names the command that writes them. */
const marks = (command: string) => [`<!-- npm run ${command} -->\n\n`, '\n\n<!-- end -->'] as const;

/** The results that the page shows. */
export function readResults(page: string, command: string): string {
  const { text, from, to } = locate(page, command);
  return text.slice(from, to);
}

/** Replaces the results that the page shows, and prints them. */
export function writeResults(page: string, command: string, results: string): void {
  const { file, text, from, to } = locate(page, command);
  writeFileSync(file, text.slice(0, from) + results + text.slice(to));
  console.log(`${results}\n\nWritten to docs/${page}.`);
}

/** Writes a chart that a page shows into docs/pictures/. */
export function writeChart(name: string, svg: string): void {
  writeFileSync(new URL(`../../docs/pictures/${name}`, import.meta.url), svg);
}

function locate(page: string, command: string) {
  const file = new URL(`../../docs/${page}`, import.meta.url);
  const text = readFileSync(file, 'utf8');
  const [begin, end] = marks(command);
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end, from);
  if (from < begin.length || to < 0) throw new Error(`docs/${page} has no place for 'npm run ${command}'`);
  return { file, text, from, to };
}

/** The date and the machine of a run: durations mean nothing without them. */
export function machine(): string {
  const [cpu] = cpus();
  const memoryGb = Math.round(totalmem() / 2 ** 30);
  const day = new Date().toISOString().slice(0, 10);
  return `Measured on ${day}: ${cpus().length} x ${cpu?.model.trim()}, ${memoryGb} GB, ${type()} ${release()} ${arch()}, Node ${process.versions.node}.`;
}

type Row = readonly string[];

/** A heading and its text, as Markdown. */
export function section(title: string, text: string): string {
  return `### ${title}\n\n${text}`;
}

/** A table, as Markdown. */
export function table(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export const whole = (amount: number): string => Math.round(amount).toLocaleString('en-US');
export const decimal = (amount: number): string => amount.toFixed(2);

/** The mean of some counts, followed by their range when they differ. */
export function spread(counts: readonly number[], mean: (amount: number) => string = whole): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? mean(least) : `${mean(meanOf(counts))} (${whole(least)}–${whole(most)})`;
}

export function meanOf(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0) / amounts.length;
}
