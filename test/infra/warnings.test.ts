import { expect, test } from 'vitest';
import { warningsOf } from '../../infra/token-stack.ts';
import { configOf, shop } from './synth.ts';

const texts = (wechat: object) => warningsOf(configOf(wechat)).map(({ text }) => text);
const mini = { name: 'mini', kind: 'mini-program', appId: 'wxfedcba9876543210' };

test('without an IP of its own, the apps that will fail are named', () => {
  const [text, ...more] = texts({ apps: [{ ...shop, name: 'news', appId: 'wx01' }, mini, shop] });
  expect(text).toMatch(/: news, shop will fail with 40164 unless the IP list is off\. Set egress\.mode/);
  expect(more).toEqual([]);
});

test('of very many apps only the first are named', () => {
  const apps = Array.from({ length: 12 }, (_, index) => ({
    ...shop,
    name: `a${index}`,
    appId: `wx${index}0000`,
  }));
  expect(texts({ apps })[0]).toContain(': a0, a1, a2, a3, a4, a5, a6, a7, a8, a9 and 2 more will fail');
});

test.each([
  ['no account has an IP list', { apps: [mini] }],
  ['the IP is fixed by a NAT gateway', { egress: { mode: 'nat-gateway' } }],
  ['the IP is fixed by a NAT instance', { egress: { mode: 'nat-instance' } }],
  ["the IP is the proxy's", { egress: { mode: 'proxy', proxyUrlParameter: '/proxy-url' } }],
])('no warning when %s', (_why, wechat) => {
  expect(texts(wechat)).toEqual([]);
});

test('a second stack is warned of the prefix that it shares, until it has its own', () => {
  const second = { apps: [mini], stackName: 'Second' };
  expect(texts(second)).toEqual([
    expect.stringMatching(/^Stack Second writes under \/wechat, .*set parameterPrefix/),
  ]);
  expect(texts({ ...second, parameterPrefix: '/second' })).toEqual([]);
});
