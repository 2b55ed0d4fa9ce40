export type Row = readonly string[];

export function section(title: string, text: string): string {
  return `### ${title}\n\n${text}`;
}

export function table(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export const whole = (amount: number): string => Math.round(amount).toLocaleString('en-US');
export const decimal = (amount: number): string => amount.toFixed(2);

/** The mean of counts, and from the least to the most when they differ. */
export function spread(counts: readonly number[], mean: (amount: number) => string = whole): string {
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  return least === most ? mean(least) : `${mean(meanOf(counts))} (${whole(least)}–${whole(most)})`;
}

export function meanOf(amounts: readonly number[]): number {
  return amounts.reduce((sum, amount) => sum + amount, 0) / amounts.length;
}
