/** One thing that `doctor` looked at. */
export type Check = {
  readonly level: 'ok' | 'warning' | 'problem';
  /** What was looked at. */
  readonly subject: string;
  /** What was found and, unless it is well, what to do. */
  readonly finding: string;
};

export const ok = (subject: string, finding: string): Check => ({ level: 'ok', subject, finding });
export const warning = (subject: string, finding: string): Check => ({ level: 'warning', subject, finding });
export const problem = (subject: string, finding: string): Check => ({ level: 'problem', subject, finding });

/** A check that could not be made is a finding, too: most often a right is missing. */
export async function attempt(subject: string, look: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await look();
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : 'unknown error';
    return [problem(subject, `could not be looked at (${reason})`)];
  }
}
