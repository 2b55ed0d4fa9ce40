/**
 * Takes the place of `@aws-sdk/credential-provider-node` in the bundles (infra/constructs/bundled-function.ts): Lambda hands
 * the role's credentials over in the environment, so the rest of the SDK's provider chain (profiles, SSO, IMDS, …) would
 * only be loaded at every cold start.
 */
export const defaultProvider = () => async () => {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN } = process.env;
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new Error(
      'There are no credentials in the environment; Lambda sets AWS_ACCESS_KEY_ID and its companions.',
    );
  }
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
  };
};
