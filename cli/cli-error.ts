/** What the process ends with; scripts rely on it. */
export const exitCodes = {
  ok: 0,
  /** Something is wrong with a credential or the deployment, or what was asked for failed. */
  problem: 1,
  /** The command line was wrong. */
  usage: 2,
  /** It cannot be done from here: no deployment, no rights, not in local mode. */
  unavailable: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Something that a person reads in one line, with its cure; never a stack trace, never a secret. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;

  constructor(kind: Exclude<keyof typeof exitCodes, 'ok'>, message: string) {
    super(message);
    this.exitCode = exitCodes[kind];
  }
}

/** AWS's errors by name, and what to do about them. */
const cures: Record<string, string> = {
  CredentialsProviderError:
    'There are no AWS credentials: run `aws configure` or `aws sso login`, or set AWS_PROFILE.',
  ExpiredToken: 'The AWS credentials have expired: log in again.',
  ExpiredTokenException: 'The AWS credentials have expired: log in again.',
  InvalidClientTokenId: 'AWS does not know these credentials: check AWS_PROFILE or AWS_ACCESS_KEY_ID.',
  UnrecognizedClientException: 'AWS does not know these credentials: check AWS_PROFILE or AWS_ACCESS_KEY_ID.',
};

/** Makes one line of whatever was thrown. AWS's refusals name the action that is missing, and no value. */
export function asCliError(thrown: unknown): CliError {
  if (thrown instanceof CliError) return thrown;
  if (!(thrown instanceof Error)) return new CliError('problem', 'Something that is no error was thrown.');
  const cure = cures[thrown.name];
  if (cure) return new CliError('unavailable', cure);
  if (thrown.message === 'Region is missing') {
    return new CliError('unavailable', 'No AWS region is set: use --region or AWS_REGION.');
  }
  if (thrown.name.startsWith('AccessDenied') || thrown.name === 'AuthorizationErrorException') {
    return new CliError('unavailable', `AWS refused: ${thrown.message}`);
  }
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : thrown.name;
  return new CliError('problem', thrown.message ? `${thrown.message} (${code})` : code);
}
