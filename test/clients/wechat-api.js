import { promisify } from 'node:util';
import API from 'wechat-api';
import { APPID, PAGE, READ_URL, READER_KEY, report, WECHAT_URL } from './report.js';

// One endpoint for tokens and for everything else: this instance reads tokens and tickets ...
const tokens = new API(APPID, READER_KEY);
tokens.endpoint = READ_URL;

// ... and this one talks to WeChat, with the token and the ticket from the hooks that the SDK has for them.
const api = new API(
  APPID,
  'not needed',
  (callback) => tokens.getLatestToken(callback),
  (_token, callback) => callback(null),
);
api.endpoint = WECHAT_URL;
api.registerTicketHandle(
  (_type, callback) => tokens.getLatestTicket(callback),
  (_type, _ticket, callback) => callback(null),
);

const call = (target, method, ...args) => promisify(target[method].bind(target))(...args);
const { accessToken } = await call(tokens, 'getLatestToken');
const { ticket } = await call(tokens, 'getTicket');
const { ip_list: ipList } = await call(api, 'getIp');
const { nonceStr, timestamp, signature } = await call(api, 'getJsConfig', {
  url: PAGE,
  jsApiList: ['scanQRCode'],
});
report({ token: accessToken, ticket, ipList, signed: { nonceStr, timestamp, signature } });
