import { z } from 'zod';
import { defaultWechatHosts, wechatHost } from '../functions/wechat/hosts.ts';

/** WeChat's shortest lifetime of a healthy token. */
const TOKEN_LIFETIME_MINUTES = 120;

/** An object that refuses unknown keys and says which it knows. */
function section<Shape extends z.core.$ZodShape>(shape: Shape) {
  return z.strictObject(shape, {
    error: ({ code }) =>
      code === 'unrecognized_keys'
        ? `unknown key; known here are ${Object.keys(shape).join(', ')}`
        : `write an object with the keys ${Object.keys(shape).join(', ')}`,
  });
}

function text(pattern: RegExp, cure: string) {
  return z.string({ error: cure }).regex(pattern, cure);
}

/** @param later what DESIGN.md names and this version cannot do yet */
function oneOf<const Value extends string>(values: readonly Value[], later: readonly string[] = []) {
  const cure = `use ${values.map((value) => `'${value}'`).join(' or ')}`;
  return z.enum(values, {
    error: ({ input }) =>
      later.includes(String(input)) ? `'${input}' is not supported yet; ${cure}` : cure,
  });
}

function wholeNumber(min: number, max: number) {
  const cure = `write a whole number from ${min} to ${max}`;
  return z.int({ error: cure }).min(min, cure).max(max, cure);
}

/** Reports every value that stood earlier in the list already. */
function refuseRepeated(
  values: readonly unknown[],
  report: (index: number, firstIndex: number) => void,
): void {
  const firstIndexes = new Map<unknown, number>();
  for (const [index, value] of values.entries()) {
    const first = firstIndexes.get(value);
    if (first === undefined) firstIndexes.set(value, index);
    else if (value !== undefined) report(index, first);
  }
}

/** For checks across fields: they report in the same run as the fields' own checks, so they see unchecked values. */
const always = { when: () => true };

const tickets = z
  .array(oneOf(['jsapi'], ['wx_card', 'agent_config']), { error: 'write a list such as ["jsapi"]' })
  .superRefine((list, { addIssue }) => {
    refuseRepeated(list, (index) =>
      addIssue({ code: 'custom', path: [index], message: 'listed twice; once is enough' }),
    );
  });

const app = section({
  name: text(
    /^[a-z0-9-]{1,32}$/,
    'write 1 to 32 of a-z, 0-9 and "-"; it becomes part of parameter names and URLs',
  ),
  kind: oneOf(['official-account', 'mini-program', 'mini-game'], ['wecom']),
  // Test accounts differ from the usual wx + 16 characters.
  appId: text(/^[a-zA-Z0-9_-]{4,64}$/, 'write the AppID from the WeChat console, such as wx0123456789abcdef'),
  tokenApi: oneOf(['classic', 'stable']).default('classic'),
  tickets: tickets.default([]),
}).superRefine(({ kind, tickets }, { addIssue }) => {
  const index = tickets.indexOf('jsapi');
  if (kind === 'official-account' || index < 0) return;
  const message = `only an official-account has a jsapi ticket; remove it from this ${kind}`;
  addIssue({ code: 'custom', path: ['tickets', index], message });
});

/** WeCom's fields differ, so one clear answer instead of complaints about a missing `appId`. */
const appOfAnyKind = z.preprocess((input: unknown, { addIssue }) => {
  if (typeof input !== 'object' || input === null || !('kind' in input) || input.kind !== 'wecom') return input;
  const message = "'wecom' is not supported yet; use 'official-account', 'mini-program' or 'mini-game'";
  addIssue({ code: 'custom', path: ['kind'], message, input });
  return z.NEVER;
}, app);
