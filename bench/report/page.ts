import { readFileSync, writeFileSync } from 'node:fs';

/** Each page in docs/ holds what a bench measured between two marks, which name the command that measures it again. */
const marks = (command: string) => [`<!-- npm run ${command} -->\n\n`, '\n\n<!-- end -->'] as const;

/** What the page says was measured. */
export function readMeasured(page: string, command: string): string {
  const { text, from, to } = locate(page, command);
  return text.slice(from, to);
}

/** Puts what was measured in its place. */
export function writeMeasured(page: string, command: string, measured: string): void {
  const { file, text, from, to } = locate(page, command);
  writeFileSync(file, text.slice(0, from) + measured + text.slice(to));
  console.log(`${measured}\n\nWritten to docs/${page}.`);
}

/** Beside the pages, for a picture that one of them shows. */
export function writePicture(name: string, svg: string): void {
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
