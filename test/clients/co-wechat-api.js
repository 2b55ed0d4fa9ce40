import API from 'co-wechat-api';
import { APPID, PAGE, READ_URL, READER_KEY, report, WECHAT_URL } from './report.js';

// The SDK has one prefix for tokens and for everything else: this instance reads tokens and tickets ...
const tokens = new API(APPID, READER_KEY);
tokens.prefix = `${READ_URL}/cgi-bin/`;

// ... and this one talks to WeChat. It gets its token by the constructor's hook; the last argument keeps it from ever fetching one itself.
const getToken = () => tokens.ensureAccessToken();
const api = new API(APPID, 'not needed', getToken, async () => undefined, true);
api.prefix = `${WECHAT_URL}/cgi-bin/`;
api.registerTicketHandle(
  (type) => tokens.ensureTicket(type),
  async () => undefined,
);

const { accessToken } = await tokens.ensureAccessToken();
const { ticket } = await tokens.getTicket();
const { ip_list: ipList } = await api.getIp();
const { nonceStr, timestamp, signature } = await api.getJsConfig({ url: PAGE, jsApiList: ['scanQRCode'] });
report({ token: accessToken, ticket, ipList, signed: { nonceStr, timestamp, signature } });
