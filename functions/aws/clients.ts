/**
 * Both SDK clients: short timeouts, because a call that hangs must leave time for the one that repeats it within the
 * function's own timeout; three tries with the SDK's own jittered backoff.
 */
export const clientOptions = {
  maxAttempts: 3,
  // Without `throwOnRequestTimeout` the SDK only warns.
  requestHandler: { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true },
};
