import { createHash } from 'node:crypto';

/** A fault lasts for `minutes` of its `Fault`; without them it is over at once. */
export type FaultKind =
  | 'wechat-busy'
  | 'wechat-unreachable'
  | 'wechat-502'
  | 'answer-lost'
  | 'crash-before-storing'
  | 'tick-twice'
  | 'no-ticks'
  | 'tick-late'
  | 'servers-restart'
  | 'cache-restarts'
  | 'store-down'
  | 'another-client-fetches'
  | 'short-lifetimes'
  | 'ip-not-allowed';

export type Fault = {
  readonly kind: FaultKind;
  /** Day of the month from 1, and UTC. */
  readonly day: number;
  readonly time: string;
  readonly minutes?: number;
  readonly what: string;
};

/** Used several times: a single outage would hit one candidate just before an expiry, and another just after it. */
const unreachable = (day: number, time: string): Fault => ({
  kind: 'wechat-unreachable',
  day,
  time,
  minutes: 60,
  what: 'WeChat is unreachable for an hour',
});

/** The same month for all. A fault of a part that a candidate does not have, such as a tick or a cache, does not affect it. */
export const faults: readonly Fault[] = [
  { kind: 'wechat-busy', day: 2, time: '03:00', minutes: 20, what: 'WeChat is busy (-1) for 20 minutes' },
  unreachable(4, '09:30'),
  {
    kind: 'answer-lost',
    day: 6,
    time: '12:00',
    what: 'the answer to the next token call is lost, after WeChat has issued the token',
  },
  unreachable(7, '13:10'),
  {
    kind: 'tick-twice',
    day: 8,
    time: '00:00',
    minutes: 720,
    what: 'for 12 hours each tick is delivered twice',
  },
  { kind: 'no-ticks', day: 9, time: '06:00', minutes: 40, what: 'no tick for 40 minutes' },
  { kind: 'tick-late', day: 9, time: '12:00', minutes: 360, what: 'for 6 hours each tick comes 50 s late' },
  unreachable(10, '17:50'),
  {
    kind: 'crash-before-storing',
    day: 11,
    time: '15:00',
    what: 'the process that fetches the next token crashes before it has stored it',
  },
  {
    kind: 'servers-restart',
    day: 13,
    time: '08:00',
    what: 'a release: the app servers restart, without their memory and files',
  },
  unreachable(14, '21:20'),
  { kind: 'cache-restarts', day: 15, time: '10:00', what: 'the cache server restarts, empty' },
  {
    kind: 'store-down',
    day: 17,
    time: '14:00',
    minutes: 5,
    what: 'the database (the table, the cache, the parameters) is down for 5 minutes',
  },
  unreachable(18, '02:40'),
  {
    kind: 'another-client-fetches',
    day: 19,
    time: '11:00',
    what: 'another client with the AppSecret fetches a token, once',
  },
  {
    kind: 'another-client-fetches',
    day: 20,
    time: '11:00',
    what: 'the next day it fetches two: the first one',
  },
  { kind: 'another-client-fetches', day: 20, time: '11:01', what: 'and the second one a minute later' },
  {
    kind: 'short-lifetimes',
    day: 22,
    time: '00:00',
    minutes: 1440,
    what: 'for a day tokens are valid for 3,600 s instead of 7,200',
  },
  unreachable(24, '06:00'),
  {
    kind: 'ip-not-allowed',
    day: 25,
    time: '16:00',
    minutes: 30,
    what: 'our IP is not on the allow list (40164) for half an hour',
  },
  { kind: 'wechat-502', day: 27, time: '05:00', minutes: 10, what: 'WeChat answers HTTP 502 for 10 minutes' },
];

/** Outages of an hour, three to seven hours apart: at random, so that they do not coincide with the period of a token. */
export const outages: readonly Fault[] = (() => {
  const random = seededRandom('outages');
  const found: Fault[] = [];
  for (let minute = 180; minute < 29.8 * 1440; minute += 180 + Math.floor(random() * 300)) {
    const [day, hours, minutes] = [Math.floor(minute / 1440) + 1, Math.floor(minute / 60) % 24, minute % 60];
    found.push(unreachable(day, `${hours}:${minutes}`));
  }
  return found;
})();

/** Pseudo-random numbers in [0, 1), the same in each run. */
export function seededRandom(seed: string): () => number {
  let drawn = 0;
  return () => createHash('sha256').update(`${seed} ${drawn++}`).digest().readUInt32BE() / 2 ** 32;
}
