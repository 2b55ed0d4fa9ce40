import type { FailureKind } from './credential.ts';

/** What WeChat refused besides the request itself: a cached secret is read again, a dead token is healed. */
export type Refused = 'secret' | 'access-token';

/**
 * Why a credential could not be fetched, in terms that the rules need. The message names what happened and what to
 * do, and never holds a secret or a token.
 */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly code: string;
  readonly kind: FailureKind;
  readonly refused: Refused | undefined;
  /** True when WeChat may have carried the call out although we got no answer. */
  readonly mayHaveRotated: boolean;

  constructor(
    message: string,
    details: {
      code: string;
      kind: FailureKind;
      refused?: Refused | undefined;
      mayHaveRotated?: boolean;
      cause?: unknown;
    },
  ) {
    super(message, { cause: details.cause });
    this.code = details.code;
    this.kind = details.kind;
    this.refused = details.refused;
    this.mayHaveRotated = details.mayHaveRotated ?? false;
  }
}

/** The AppSecret is not there (yet): ops must write it. */
export class MissingSecretError extends SourceError {
  constructor(appName: string, whereToPutIt: string) {
    super(`The AppSecret of app '${appName}' is missing. ${whereToPutIt}`, {
      code: 'missing-secret',
      kind: 'configuration',
    });
  }
}
