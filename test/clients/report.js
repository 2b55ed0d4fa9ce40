/** What the test that starts a client passes to it; the key is not on the command line, where every process could read it. */
export const { READ_URL, WECHAT_URL, APPID, READER_KEY } = process.env;

/** The page that a JS-SDK signature is made for. */
export const PAGE = 'https://example.com/page?a=1';

/** One line for the test. */
export function report(facts) {
  console.log(JSON.stringify(facts));
}
