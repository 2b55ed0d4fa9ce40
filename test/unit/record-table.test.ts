import { BatchGetItemCommand, DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { beforeEach, describe, expect, test } from 'vitest';
import { fromItem, toItem } from '../../functions/aws/record-item.ts';
import { recordTable } from '../../functions/aws/record-table.ts';
import { blankRecord, type CredentialRecord } from '../../functions/core/credential.ts';

const client = new DynamoDBClient({ region: 'us-east-1' });
// This client only: the class itself is shared with the other test files of the worker.
const dynamodb = mockClient(client);
beforeEach(() => dynamodb.reset());

const record: CredentialRecord = {
  ...blankRecord('shop/access-token'),
  version: 7,
  mirroredVersion: 6,
  leaseId: 'lease-1',
  leaseUntil: 1_767_225_700_000,
  nextAttemptAt: 1_767_225_650_000,
  forcedAt: 1_767_225_600_000,
  forcedToday: 2,
  requestedAt: 1_767_225_500_000,
  requestsToday: 14,
  notifiedErrors: '40164',
  errorNotifiedAt: 1_767_225_400_000,
  validityUnknown: true,
  suspectedAt: 1_767_225_603_000,
  rejectedAt: 1_767_225_604_000,
  automaticAt: 1_767_225_605_000,
  automaticToday: 3,
  callsPerDay: 2_000,
  countedAt: 1_767_225_606_000,
  excessCalls: -1,
  excessCallsHandled: -2,
  countPending: true,
  countUnavailableUntil: 1_767_225_607_000,
  current: {
    value: 'token',
    fingerprint: 'abc',
    account: 'wx1',
    issuedAt: 1_767_225_600_000,
    expiresAt: 1_767_232_800_000,
    renewedAt: 1_767_225_600_500,
    confirmedAt: 1_767_225_600_000,
  },
  previous: { fingerprint: 'before', validUntil: 1_767_225_900_000 },
  probedAt: 1_767_225_601_000,
  classicQuotaBackAt: 1_767_283_200_000,
  rotationNotifiedAt: 1_767_225_602_000,
  failure: {
    count: 3,
    kind: 'quota',
    code: '45009',
    message: 'm',
    at: 1_767_225_640_000,
    attemptFingerprint: 'wx1 classic 1',
  },
};

test('the item has the attributes of docs/architecture.md, and none is lost on reading', () => {
  expect(toItem(record)).toEqual({
    id: { S: 'shop/access-token' },
    value: { S: 'token' },
    fingerprint: { S: 'abc' },
    account: { S: 'wx1' },
    issuedAt: { N: '1767225600000' },
    expiresAt: { N: '1767232800000' },
    renewedAt: { N: '1767225600500' },
    version: { N: '7' },
    leaseId: { S: 'lease-1' },
    leaseUntil: { N: '1767225700000' },
    validityUnknown: { BOOL: true },
    suspectedAt: { N: '1767225603000' },
    rejectedAt: { N: '1767225604000' },
    automaticAt: { N: '1767225605000' },
    automaticToday: { N: '3' },
    callsPerDay: { N: '2000' },
    countedAt: { N: '1767225606000' },
    excessCalls: { N: '-1' },
    excessCallsHandled: { N: '-2' },
    countPending: { BOOL: true },
    countUnavailableUntil: { N: '1767225607000' },
    failureCount: { N: '3' },
    failureKind: { S: 'quota' },
    failureAttempt: { S: 'wx1 classic 1' },
    nextAttemptAt: { N: '1767225650000' },
    lastError: { M: { code: { S: '45009' }, message: { S: 'm' }, at: { N: '1767225640000' } } },
    mirroredVersion: { N: '6' },
    forcedAt: { N: '1767225600000' },
    forcedToday: { N: '2' },
    requestedAt: { N: '1767225500000' },
    requestsToday: { N: '14' },
    notifiedErrors: { S: '40164' },
    errorNotifiedAt: { N: '1767225400000' },
    confirmedAt: { N: '1767225600000' },
    previousFingerprint: { S: 'before' },
    previousValidUntil: { N: '1767225900000' },
    probedAt: { N: '1767225601000' },
    classicQuotaBackAt: { N: '1767283200000' },
    rotationNotifiedAt: { N: '1767225602000' },
  });
  expect(fromItem(toItem(record))).toEqual(record);
  expect(fromItem(toItem(blankRecord('a/b')))).toEqual(blankRecord('a/b'));
});

test('an item that was edited by hand is read as far as possible', () => {
  expect(fromItem({ id: { S: 'a/b' }, version: { N: 'x' }, value: { S: '' } })).toEqual(blankRecord('a/b'));
});

describe('every write is conditional', () => {
  const table = () => recordTable(client, 'records');
  const write = () => dynamodb.commandCalls(PutItemCommand)[0]?.args[0].input;

  test('the first one on the absence of a record', async () => {
    await table().swap(undefined, record);
    expect(write()).toMatchObject({
      TableName: 'records',
      ConditionExpression: 'attribute_not_exists(id)',
    });
  });

  test('later ones on the lease id and the version that were read', async () => {
    await table().swap(record, { ...record, leaseId: 'lease-2' });
    expect(write()).toMatchObject({
      ConditionExpression: 'leaseId = :leaseId AND version = :version',
      ExpressionAttributeValues: { ':leaseId': { S: 'lease-1' }, ':version': { N: '7' } },
    });
  });

  test('where there was no lease, on its continued absence', async () => {
    await table().swap({ ...record, leaseId: '' }, record);
    expect(write()).toMatchObject({
      ConditionExpression: '(attribute_not_exists(leaseId) OR leaseId = :leaseId) AND version = :version',
      ExpressionAttributeValues: { ':leaseId': { S: '' }, ':version': { N: '7' } },
    });
  });
});

describe('a read', () => {
  const table = () => recordTable(client, 'records');

  test('takes one call for each hundred records, and another for those that a busy table left out', async () => {
    const ids = Array.from({ length: 101 }, (_, index) => `app-${index}/access-token`);
    dynamodb
      .on(BatchGetItemCommand)
      .callsFake(({ RequestItems: { records } }) =>
        records.Keys.length === 100
          ? { Responses: { records: [] }, UnprocessedKeys: { records: { Keys: records.Keys.slice(0, 1) } } }
          : { Responses: { records: records.Keys } },
      );
    expect([...(await table().read(ids)).keys()]).toEqual(['app-0/access-token', 'app-100/access-token']);
    expect(dynamodb.commandCalls(BatchGetItemCommand)).toHaveLength(3);
    expect(
      dynamodb.commandCalls(BatchGetItemCommand)[0]?.args[0].input.RequestItems?.['records'],
    ).toMatchObject({
      ConsistentRead: true,
    });
  });

  test('fails when the table never returns all records', async () => {
    dynamodb.on(BatchGetItemCommand).callsFake(({ RequestItems }) => ({ UnprocessedKeys: RequestItems }));
    await expect(table().read(['a/b'])).rejects.toThrow('left 1 of 1 records unread');
  });

  test('of no ids makes no call', async () => {
    expect((await table().read([])).size).toBe(0);
    expect(dynamodb.calls()).toHaveLength(0);
  });
});
