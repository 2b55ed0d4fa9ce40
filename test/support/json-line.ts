/** JSON on one line: `readline` takes U+2028 and U+2029, which JSON leaves as they are, for ends of lines. */
export function jsonLine(value: unknown): string {
  return JSON.stringify(value).replace(/[\u2028\u2029]/g, (each) => `\\u${each.charCodeAt(0).toString(16)}`);
}
