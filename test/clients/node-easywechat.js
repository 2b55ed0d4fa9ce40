import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OfficialAccount } from 'node-easywechat';
import { APPID, PAGE, READ_URL, READER_KEY, report, WECHAT_URL } from './report.js';

// The SDK keeps tokens in files; each run gets a folder of its own.
const path = mkdtempSync(join(tmpdir(), 'easywechat-'));
const application = (secret, baseURL) =>
  new OfficialAccount({ app_id: APPID, secret, http: { baseURL }, file_cache: { path } });

// One base URL for each application: this one reads tokens and tickets, stable or classic ...
const tokens = application(READER_KEY, READ_URL);
// ... and this one talks to WeChat with what the first one gets.
const api = application('not needed', WECHAT_URL);
api.setAccessToken(tokens.getAccessToken());
api.setTicket(tokens.getTicket());

try {
  const token = await api.getAccessToken().getToken();
  const ticket = await api.getTicket().getTicket();
  const response = await api.getClient().get('/cgi-bin/get_api_domain_ip');
  const { nonceStr, timestamp, signature } = await api.getUtils().buildJsSdkConfig(PAGE, ['scanQRCode']);
  const ofStable = await tokens.getAccessToken().getStableAccessToken(true);
  report({
    token,
    ticket,
    ipList: response.toObject().ip_list,
    signed: { nonceStr, timestamp, signature },
    ofStable,
  });
} finally {
  rmSync(path, { recursive: true });
}
