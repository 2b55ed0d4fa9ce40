import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { GetItemCommand } from '@aws-sdk/client-dynamodb';
import { AttachUserPolicyCommand, CreateAccessKeyCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { InvokeCommand } from '@aws-sdk/client-lambda';
import { SetTopicAttributesCommand } from '@aws-sdk/client-sns';
import { GetParameterCommand } from '@aws-sdk/client-ssm';
import { type Credentials, cdk, clientsOf, ROOT, signedFetch } from './aws.ts';
import type { Emulator } from './emulator.ts';

export type Clients = ReturnType<typeof clientsOf>;

/** One stack on an emulator, from `cdk deploy` to `cdk destroy`. */
export class Deployment {
  readonly #emulator: Emulator;
  readonly #outDir: string;
  readonly #stackName: string;
  readonly root: Clients;
  outputs: Record<string, string> = {};

  constructor(emulator: Emulator, outDir: string, stackName = 'WechatTokenRefresher') {
    this.#emulator = emulator;
    this.#outDir = outDir;
    this.#stackName = stackName;
    this.root = clientsOf(emulator.endpoint, ROOT);
  }

  async bootstrap(wechat: object): Promise<string> {
    const bootstrapped = await cdk(this.#emulator.endpoint, 'bootstrap', ...this.#context(wechat));
    const bucket = 'cdk-hnb659fds-assets-000000000000-us-east-1';
    // The bucket's policy denies plain HTTP, which is all that the emulator speaks.
    await signedFetch(`${this.#emulator.endpoint}/${bucket}?policy`, 's3', ROOT, { method: 'DELETE' });
    return bootstrapped;
  }

  async deploy(wechat: object): Promise<void> {
    const file = join(this.#outDir, `${this.#stackName}.json`);
    const silently = ['--require-approval', 'never'];
    await cdk(
      this.#emulator.endpoint,
      'deploy',
      ...this.#context(wechat),
      ...silently,
      '--outputs-file',
      file,
    );
    this.outputs = JSON.parse(readFileSync(file, 'utf8'))[this.#stackName];
    await this.#admitPlainHttp();
  }

  destroy(wechat: object): Promise<string> {
    return cdk(this.#emulator.endpoint, 'destroy', '--force', ...this.#context(wechat));
  }

  output(name: string): string {
    const value = this.outputs[name];
    if (!value) throw new Error(`the stack has no output ${name}`);
    return value;
  }

  /** The emulator serves function URLs and HTTP APIs under its own address. */
  readUrl(path: string): string {
    const [id, service] = new URL(this.output('ReadUrl')).hostname.split('.');
    return service === 'execute-api'
      ? `${this.#emulator.endpoint}/_aws/execute-api/${id}/$default${path}`
      : `${this.#emulator.endpoint}/_aws/lambda-url/${id}${path}`;
  }

  async invoke(event: unknown, clients = this.root) {
    const { FunctionError, Payload } = await clients.lambda.send(
      new InvokeCommand({ FunctionName: this.output('RefreshFunctionName'), Payload: JSON.stringify(event) }),
    );
    return { FunctionError, answer: JSON.parse(Payload?.transformToString() ?? 'null') };
  }

  async item(id: string) {
    const { Item } = await this.root.dynamodb.send(
      new GetItemCommand({
        TableName: this.output('TableName'),
        Key: { id: { S: id } },
        ConsistentRead: true,
      }),
    );
    return Item ?? {};
  }

  /** With an output folder of its own: the CLI locks it. */
  #context(wechat: object): string[] {
    const context = `wechat=${JSON.stringify({ stackName: this.#stackName, ...wechat })}`;
    return ['-c', context, '-o', join(this.#outDir, this.#stackName)];
  }

  /** The topic's policy denies plain HTTP, which is all that the emulator speaks; the role must be admitted by its own. */
  async #admitPlainHttp(): Promise<void> {
    const withoutStatements = JSON.stringify({ Version: '2012-10-17', Statement: [] });
    const TopicArn = this.output('AlarmTopicArn');
    await this.root.sns.send(
      new SetTopicAttributesCommand({ TopicArn, AttributeName: 'Policy', AttributeValue: withoutStatements }),
    );
  }
}

/** @returns undefined for a parameter that does not exist */
export async function parameter(clients: Clients, name: string) {
  const { Parameter } = await clients.ssm.send(new GetParameterCommand({ Name: name, WithDecryption: true }));
  return { value: Parameter?.Value, type: Parameter?.Type };
}

/** An IAM user that has this policy and no other. */
export async function newUser(root: Clients, UserName: string, policyArn?: string): Promise<Credentials> {
  await root.iam.send(new CreateUserCommand({ UserName }));
  if (policyArn) await root.iam.send(new AttachUserPolicyCommand({ UserName, PolicyArn: policyArn }));
  const { AccessKey } = await root.iam.send(new CreateAccessKeyCommand({ UserName }));
  return { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
}
