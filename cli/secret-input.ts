import { CliError } from './cli-error.ts';

/**
 * An AppSecret from a hidden prompt, or from standard input in a script. Never from an argument, which every process of the
 * machine can read.
 *
 * @throws CliError for one that cannot be an AppSecret
 */
export async function readSecret(app: string, input: NodeJS.ReadStream = process.stdin): Promise<string> {
  if (!input.isTTY) return asSecret(await everything(input));
  const { default: password } = await import('@inquirer/password');
  // The prompt stands on standard error: standard output is for answers.
  const typed = await password(
    { message: `AppSecret of ${app}`, mask: '*' },
    { output: process.stderr },
  ).catch(() => {
    throw new CliError('usage', 'No AppSecret was given; nothing was changed.');
  });
  return asSecret(typed);
}

/** Secrets of WeChat are letters and digits, WeCom's with - and _; a pasted one often brings blanks or its line break along. */
export function asSecret(text: string): string {
  const secret = text.trim();
  if (secret === '')
    throw new CliError('usage', 'The AppSecret is empty; paste it at the prompt, or pipe it in.');
  if (/\s/.test(secret)) {
    throw new CliError('usage', 'The AppSecret has blanks or several lines in it; give the secret alone.');
  }
  if (secret.length > 256)
    throw new CliError('usage', 'The AppSecret has more than 256 characters; give the secret alone.');
  return secret;
}

async function everything(input: NodeJS.ReadStream): Promise<string> {
  let text = '';
  for await (const chunk of input) text += chunk;
  return text;
}
