import {
  DeleteParameterCommand,
  GetParameterCommand,
  GetParametersCommand,
  PutParameterCommand,
} from '@aws-sdk/client-ssm';
import { afterEach, describe, expect, test } from 'vitest';
import { type ParameterServer, startParameterServer } from '../../bench/harness/parameter-server.ts';
import { standardQuotas } from '../../bench/harness/parameter-store.ts';

/** The Parameter Store of the tests answers the real SDK client as SSM does. */

let parameters: ParameterServer;
let now = Date.UTC(2026, 0, 1);
afterEach(() => parameters.close());

const start = async (options: Parameters<typeof startParameterServer>[0] = {}) => {
  parameters = await startParameterServer(options);
};
const startThrottled = () => start({ quotas: standardQuotas, now: () => now });

const put = (Name: string, Value = 'value', more: { Overwrite?: boolean; Type?: 'String' } = {}) =>
  parameters.client.send(
    new PutParameterCommand({ Name, Value, Type: 'SecureString', Overwrite: true, ...more }),
  );
const getMany = (...Names: string[]) => parameters.client.send(new GetParametersCommand({ Names }));

/** The names of the errors, undefined for what succeeded, one request after the other. */
async function errorsOf(requests: readonly (() => Promise<unknown>)[]): Promise<(string | undefined)[]> {
  const errors: (string | undefined)[] = [];
  for (const request of requests) {
    errors.push(
      await request().then(
        () => undefined,
        (error) => error.name,
      ),
    );
  }
  return errors;
}

describe('the quota of PutParameter', () => {
  const puts = (count: number) =>
    errorsOf(Array.from({ length: count }, (_, index) => () => put(`/p${index}`)));

  test('is 20 at once, then 3 a second', async () => {
    await startThrottled();
    expect((await puts(22)).filter(Boolean)).toEqual(['ThrottlingException', 'ThrottlingException']);
    now += 1_000;
    expect(await puts(5)).toEqual([
      undefined,
      undefined,
      undefined,
      'ThrottlingException',
      'ThrottlingException',
    ]);
    expect(parameters.count('PutParameter')).toBe(27);
    expect(parameters.count('PutParameter', 'ThrottlingException')).toBe(4);
    expect(parameters.writes).toHaveLength(23);
  });

  test('is answered as SSM answers it', async () => {
    await startThrottled();
    await puts(20);
    const error = await put('/p').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      name: 'ThrottlingException',
      message: 'Rate exceeded',
      $metadata: { httpStatusCode: 400 },
    });
  });

  test('never saves more than a burst', async () => {
    await startThrottled();
    now += 3_600_000;
    expect((await puts(21)).filter(Boolean)).toEqual(['ThrottlingException']);
  });
});

test('GetParameter and GetParameters share 40 a second, and leave PutParameter its own', async () => {
  await startThrottled();
  await put('/p');
  const one = () => parameters.client.send(new GetParameterCommand({ Name: '/p' }));
  const reads = Array.from({ length: 42 }, (_, index) => (index % 2 ? one : () => getMany('/p')));
  expect((await errorsOf(reads)).slice(39)).toEqual([
    undefined,
    'ThrottlingException',
    'ThrottlingException',
  ]);
  expect(await errorsOf([() => put('/p')])).toEqual([undefined]);
});

describe('PutParameter', () => {
  test('counts versions of each name, and begins again after a deletion', async () => {
    await start();
    expect((await put('/one')).Version).toBe(1);
    expect((await put('/one')).Version).toBe(2);
    expect((await put('/two')).Version).toBe(1);
    parameters.put('/one', 'by hand');
    expect((await put('/one')).Version).toBe(4);
    await parameters.client.send(new DeleteParameterCommand({ Name: '/one' }));
    expect((await put('/one')).Version).toBe(1);
    parameters.remove('/two');
    expect((await put('/two')).Version).toBe(1);
  });

  test('refuses what SSM refuses', async () => {
    await start();
    await put('/p');
    expect(
      await errorsOf([
        () => put('/p', 'value', { Overwrite: false }),
        () => put('/p', 'value', { Type: 'String' }),
        () => put('/p', 'x'.repeat(4_097)),
      ]),
    ).toEqual(['ParameterAlreadyExists', 'HierarchyTypeMismatchException', 'ValidationException']);
    expect(parameters.get('/p')).toBe('value');
  });

  test('fails for the hundredth time after a label, until the label is moved', async () => {
    await start();
    await put('/p');
    parameters.label('/p');
    for (let write = 0; write < 99; write++) await put('/p');
    expect(await errorsOf([() => put('/p')])).toEqual(['ParameterMaxVersionLimitExceeded']);
    parameters.label('/p');
    expect((await put('/p')).Version).toBe(101);
  });
});

describe('GetParameters', () => {
  test('shows version and type of each, and names those that do not exist', async () => {
    await start();
    await put('/one', 'secret');
    parameters.put('/two', 'plain', 'String');
    const { Parameters, InvalidParameters } = await getMany('/one', '/none', '/two');
    expect(Parameters).toMatchObject([
      { Name: '/one', Type: 'SecureString', Version: 1, Value: 'ciphertext' },
      { Name: '/two', Type: 'String', Version: 1, Value: 'plain' },
    ]);
    expect(InvalidParameters).toEqual(['/none']);
  });

  test('takes ten names', async () => {
    await start();
    const names = Array.from({ length: 11 }, (_, index) => `/p${index}`);
    expect(await errorsOf([() => getMany(...names), () => getMany(...names.slice(1))])).toEqual([
      'ValidationException',
      undefined,
    ]);
  });
});

describe('a test may', () => {
  test('refuse an action for one parameter, or for all, with any error', async () => {
    await start();
    parameters.refuse('PutParameter', 'ParameterLimitExceeded', '/one');
    const both = [() => put('/one'), () => put('/two'), () => getMany('/one')];
    expect(await errorsOf(both)).toEqual(['ParameterLimitExceeded', undefined, undefined]);
    parameters.refuse('PutParameter', 'AccessDeniedException');
    expect(await errorsOf(both)).toEqual(['AccessDeniedException', 'AccessDeniedException', undefined]);
    parameters.refuseNothing();
    expect(await errorsOf(both)).toEqual([undefined, undefined, undefined]);
  });

  test('take everything down', async () => {
    await start();
    parameters.down = true;
    expect(await errorsOf([() => put('/p'), () => getMany('/p')])).toEqual([
      'InternalServerError',
      'InternalServerError',
    ]);
    parameters.down = false;
    expect(await errorsOf([() => put('/p')])).toEqual([undefined]);
    expect(parameters.calls.map(({ error }) => error)).toEqual([
      'InternalServerError',
      'InternalServerError',
      undefined,
    ]);
  });
});
