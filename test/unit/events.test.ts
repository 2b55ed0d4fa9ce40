import { describe, expect, test } from 'vitest';
import { InvalidEventError } from '../../functions/events/event-error.ts';
import { parseOperatorEvent } from '../../functions/events/operator-event.ts';
import { parseRefreshEvent } from '../../functions/events/refresh-event.ts';
import { crm, mini, shop } from '../support/apps.ts';

const apps = [shop, mini];
const fingerprint = 'a'.repeat(64);

describe('a refresh event', () => {
  test.each([
    ['for all apps', {}, { apps, request: {} }],
    [
      'of EventBridge Scheduler',
      { source: 'aws.scheduler', 'detail-type': 'Scheduled Event', id: '1', time: '2026-01-01T00:00:00Z' },
      { apps, request: { mayWait: true } },
    ],
    [
      'of an EventBridge rule',
      { version: '0', source: 'aws.events', 'detail-type': 'Scheduled Event', detail: {} },
      { apps, request: { mayWait: true } },
    ],
    ['for one app', { app: 'shop' }, { apps: [shop], request: {} }],
    [
      'of a forced refresh',
      { app: 'shop', force: true, reason: 'leak' },
      { apps: [shop], request: { force: true } },
    ],
    [
      'of a report that WeChat rejected the token',
      { app: 'mini', rejected: fingerprint },
      { apps: [mini], request: { rejected: fingerprint } },
    ],
    [
      'for one credential',
      { app: 'shop', credential: 'jsapi-ticket', force: true },
      { apps: [shop], request: { credential: 'jsapi-ticket', force: true } },
    ],
  ])('%s', (_name, event, expected) => {
    expect(parseRefreshEvent(event, apps)).toEqual(expected);
  });
});

describe("an operator's event", () => {
  test.each([
    ['for the status of all apps', { status: true }, { kind: 'status', apps }],
    ['for the status of one app', { status: true, app: 'mini' }, { kind: 'status', apps: [mini] }],
    ['for a diagnosis', { diagnose: true, app: 'shop' }, { kind: 'diagnose', app: shop }],
    ['for a reset of the quota', { clearQuota: true, app: 'mini' }, { kind: 'clear-quota', app: mini }],
  ])('%s', (_name, event, expected) => {
    expect(parseOperatorEvent(event, apps)).toEqual(expected);
  });

  test.each([
    [{ status: false }, 'status: expected true'],
    [{ status: true, app: 'nope' }, 'app: no app of this name is configured'],
    [{ status: true, force: true }, 'force: not a field of this event'],
    [{ diagnose: true }, "app: required with 'diagnose'"],
    [{ diagnose: 'yes', app: 'shop' }, 'diagnose: expected true'],
    [{ diagnose: true, status: true, app: 'shop' }, 'status: not a field of this event'],
    [{ clearQuota: true }, "app: required with 'clearQuota'"],
    [{ clearQuota: false, app: 'shop' }, 'clearQuota: expected true'],
    [{ clearQuota: true, app: 'nope' }, 'app: no app of this name is configured'],
    [{ clearQuota: true, app: 'crm' }, "app: 'crm' is a WeCom app"],
    [{ clearQuota: true, app: 'shop', force: true }, 'force: not a field of this event'],
    [{ clearQuota: true, app: 'shop', diagnose: true }, 'diagnose: not a field of this event'],
  ])('%j is refused', (event, message) => {
    const parse = () => parseOperatorEvent(event, [...apps, crm]);
    expect(parse).toThrow(InvalidEventError);
    expect(parse).toThrow(message);
  });

  test.each([{}, { app: 'shop', force: true }, null, 'status', []])('%j is another event', (event) => {
    expect(parseOperatorEvent(event, apps)).toBeUndefined();
  });
});

describe('any other event is refused with the name of the wrong field', () => {
  test.each([
    [null, 'event: '],
    [undefined, 'event: '],
    ['{}', 'event: '],
    [[], 'event: '],
    [7, 'event: '],
    [{ ap: 'shop' }, 'ap: not a field of this event'],
    [{ app: 'shop', token: 'x', value: 'y' }, 'token, value: not a field of this event'],
    [{ app: 7 }, 'app: '],
    [{ app: '' }, "app: no app of this name is configured; known are 'shop', 'mini'"],
    [{ app: 'nope' }, "app: no app of this name is configured; known are 'shop', 'mini'"],
    [{ app: 'shop', force: 'yes' }, 'force: '],
    [{ app: 'shop', force: true, reason: '' }, 'reason: '],
    [{ app: 'shop', force: true, reason: 'x'.repeat(201) }, 'reason: '],
    [{ app: 'shop', reason: 'why not' }, "reason: only goes with 'force': true"],
    [{ force: true }, "app: required with 'force'"],
    [{ rejected: fingerprint }, "app: required with 'rejected'"],
    [{ credential: 'jsapi-ticket' }, "app: required with 'credential'"],
    [{ app: 'shop', rejected: 'abc' }, 'rejected: expected the SHA-256'],
    [{ app: 'shop', rejected: fingerprint.toUpperCase() }, 'rejected: expected the SHA-256'],
    [{ app: 'shop', rejected: fingerprint, force: true }, "rejected: does not go with 'force'"],
    [{ app: 'shop', credential: 'password' }, 'credential: '],
    [
      { app: 'mini', credential: 'jsapi-ticket' },
      "credential: app 'mini' has no jsapi-ticket; it has 'access-token'",
    ],
    [{ source: 'aws.scheduler' }, 'source: not a field of this event'],
    [
      { source: 'aws.scheduler', 'detail-type': 'Scheduled Event', app: 'shop', force: true },
      'source, detail-type: not a field of this event',
    ],
    [
      { source: 'aws.events', 'detail-type': 'Scheduled Event', reason: 'why' },
      'source, detail-type: not a field of this event',
    ],
    [{ source: 'me', 'detail-type': 'Scheduled Event' }, 'source, detail-type: not a field of this event'],
  ])('%j', (event, message) => {
    const parse = () => parseRefreshEvent(event, apps);
    expect(parse).toThrow(InvalidEventError);
    expect(parse).toThrow(message);
    try {
      parse();
    } catch (error) {
      // Lambda returns the stack to the caller, so there must be none.
      expect((error as Error).stack).toBe(`InvalidEventError: ${(error as Error).message}`);
    }
  });
});
