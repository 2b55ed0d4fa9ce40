export type Row = readonly string[];

export function section(title: string, text: string): string {
  return `### ${title}\n\n${text}`;
}

export function table(head: Row, rows: readonly Row[]): string {
  const line = (cells: Row) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

export const whole = (amount: number): string => Math.round(amount).toLocaleString('en-US');
