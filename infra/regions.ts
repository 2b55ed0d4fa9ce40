/** Regions that lack what we build on. An unknown region, at a synth without one, is taken for one that has everything. */

/** As last documented: https://docs.aws.amazon.com/lambda/latest/dg/urls-configuration.html */
const WITHOUT_FUNCTION_URLS: ReadonlySet<string> = new Set([
  'ap-south-2',
  'ap-southeast-4',
  'ca-west-1',
  'eu-central-2',
  'eu-south-2',
  'il-central-1',
  'me-central-1',
]);

export function hasFunctionUrls(region: string | undefined): boolean {
  return region === undefined || !(isInChina(region) || WITHOUT_FUNCTION_URLS.has(region));
}

/** The partition aws-cn: Beijing and Ningxia. */
export function isInChina(region: string | undefined): boolean {
  return region?.startsWith('cn-') === true;
}
