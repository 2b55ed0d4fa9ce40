/** Exit codes of the process; scripts rely on them. */
export const exitCodes = {
  ok: 0,
  /** A credential or the deployment has a problem, or what was requested failed. */
  problem: 1,
  /** The command line was wrong. */
  usage: 2,
  /** Not possible from here: no deployment, no permission, or a command that local mode does not have. */
  unavailable: 3,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What a person reads in one line, with the remedy; never a stack trace, never a secret. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;

  constructor(kind: Exclude<keyof typeof exitCodes, 'ok'>, message: string) {
    super(message);
    this.exitCode = exitCodes[kind];
  }
}

/** For a stack that does not exist: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html */
export const STACK_NOT_FOUND = 'ValidationError';

/** AWS's services do not agree on one name. The message has the missing action, and no value. */
const ACCESS_DENIED: readonly string[] = [
  'AccessDenied',
  'AccessDeniedException',
  'AuthorizationErrorException',
];

/** The SDK throws a plain Error here; its message is all that identifies it. */
const REGION_MISSING = 'Region is missing';

const EXPIRED = 'The AWS credentials have expired: log in again.';
const UNKNOWN = 'AWS does not know these credentials: check AWS_PROFILE or AWS_ACCESS_KEY_ID.';

/** By the name of AWS's error. */
const remedies: Readonly<Record<string, string>> = {
  CredentialsProviderError:
    'There are no AWS credentials: run `aws configure` or `aws sso login`, or set AWS_PROFILE.',
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  InvalidClientTokenId: UNKNOWN,
  UnrecognizedClientException: UNKNOWN,
};

/** Turns whatever was thrown into one line and an exit code. */
export function asCliError(thrown: unknown): CliError {
  if (thrown instanceof CliError) return thrown;
  if (!(thrown instanceof Error)) return new CliError('problem', 'A value that is not an Error was thrown.');
  const { name, message } = thrown;
  const remedy = remedies[name];
  if (remedy) return new CliError('unavailable', remedy);
  if (message === REGION_MISSING) {
    return new CliError('unavailable', 'No AWS region is set: use --region or AWS_REGION.');
  }
  if (ACCESS_DENIED.includes(name)) return new CliError('unavailable', `AWS refused: ${message}`);
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : name;
  return new CliError('problem', message ? `${message} (${code})` : code);
}
