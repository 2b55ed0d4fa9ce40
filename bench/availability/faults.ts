import { chance } from './chance.ts';

/** What a fault does while it lasts; without `minutes` it is over at once. */
export type FaultKind =
  | 'wechat-busy'
  | 'wechat-unreachable'
  | 'wechat-502'
  | 'answer-lost'
  | 'dies-before-keeping'
  | 'tick-twice'
  | 'no-ticks'
  | 'tick-late'
  | 'servers-restart'
  | 'cache-restarts'
  | 'store-down'
  | 'stranger-fetches'
  | 'short-lifetimes'
  | 'ip-refused';

export type Fault = {
  readonly kind: FaultKind;
  /** Day of the month from 1, and UTC. */
  readonly day: number;
  readonly time: string;
  readonly minutes?: number;
  readonly what: string;
};

/** Several times, because at one time it is luck whose token is about to end. */
const outOfReach = (day: number, time: string): Fault => ({
  kind: 'wechat-unreachable',
  day,
  time,
  minutes: 60,
  what: 'WeChat is out of reach for an hour',
});

/** The same month for all. A fault of something that a contender does not have, such as a tick or a cache, is none for it. */
export const faults: readonly Fault[] = [
  { kind: 'wechat-busy', day: 2, time: '03:00', minutes: 20, what: 'WeChat is busy (-1) for 20 minutes' },
  outOfReach(4, '09:30'),
  {
    kind: 'answer-lost',
    day: 6,
    time: '12:00',
    what: 'the answer to the next token call is lost, after WeChat has issued the token',
  },
  outOfReach(7, '13:10'),
  {
    kind: 'tick-twice',
    day: 8,
    time: '00:00',
    minutes: 720,
    what: 'for 12 hours each tick is delivered twice',
  },
  { kind: 'no-ticks', day: 9, time: '06:00', minutes: 40, what: 'no tick for 40 minutes' },
  { kind: 'tick-late', day: 9, time: '12:00', minutes: 360, what: 'for 6 hours each tick comes 50 s late' },
  outOfReach(10, '17:50'),
  {
    kind: 'dies-before-keeping',
    day: 11,
    time: '15:00',
    what: 'whoever fetches the next token dies before it has kept it',
  },
  {
    kind: 'servers-restart',
    day: 13,
    time: '08:00',
    what: 'a release: the app servers start anew, without their memory and files',
  },
  outOfReach(14, '21:20'),
  { kind: 'cache-restarts', day: 15, time: '10:00', what: 'the cache server starts anew, empty' },
  {
    kind: 'store-down',
    day: 17,
    time: '14:00',
    minutes: 5,
    what: 'the database (the table, the cache, the parameters) is down for 5 minutes',
  },
  outOfReach(18, '02:40'),
  {
    kind: 'stranger-fetches',
    day: 19,
    time: '11:00',
    what: 'somebody with the AppSecret fetches a token, once',
  },
  { kind: 'stranger-fetches', day: 20, time: '11:00', what: 'and the next day twice: here' },
  { kind: 'stranger-fetches', day: 20, time: '11:01', what: 'and a minute later' },
  {
    kind: 'short-lifetimes',
    day: 22,
    time: '00:00',
    minutes: 1440,
    what: 'for a day tokens live 3,600 s instead of 7,200',
  },
  outOfReach(24, '06:00'),
  {
    kind: 'ip-refused',
    day: 25,
    time: '16:00',
    minutes: 30,
    what: 'our IP is refused (40164) for half an hour',
  },
  { kind: 'wechat-502', day: 27, time: '05:00', minutes: 10, what: 'WeChat answers HTTP 502 for 10 minutes' },
];

/** An hour out of reach, again and again, with three to seven hours between: no rhythm that a token's could fall in with. */
export const outages: readonly Fault[] = (() => {
  const random = chance('outages');
  const found: Fault[] = [];
  for (let minute = 180; minute < 29.8 * 1440; minute += 180 + Math.floor(random() * 300)) {
    const [day, hours, minutes] = [Math.floor(minute / 1440) + 1, Math.floor(minute / 60) % 24, minute % 60];
    found.push(outOfReach(day, `${hours}:${minutes}`));
  }
  return found;
})();
