import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import type { BundledFunction } from './bundled-function.ts';

/** The truth: one item a credential. It outlives `cdk destroy`, because the tokens in it are in use elsewhere. */
export class CredentialTable extends Construct {
  readonly tableName: string;
  readonly #table: TableV2;

  /** @param props.key the user's own; without it DynamoDB encrypts with one of its */
  constructor(scope: Construct, id: string, { key }: { key: IKey | undefined }) {
    super(scope, id);
    this.#table = new TableV2(this, 'Table', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      ...(key && { encryption: TableEncryptionV2.customerManagedKey(key) }),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.tableName = this.#table.tableName;
  }

  /** Reading only. By hand: `grantReadData` gives Scan, Query and the streams too. */
  grantRead(reader: BundledFunction): void {
    this.#let(reader, ['dynamodb:BatchGetItem']);
  }

  /** Reading, and the conditional writes of whole records. */
  grantReadWrite(refresher: BundledFunction): void {
    this.#let(refresher, ['dynamodb:BatchGetItem', 'dynamodb:PutItem']);
  }

  /** The grant and the variable in one call, so that they cannot drift apart. */
  #let(user: BundledFunction, actions: string[]): void {
    user.role.addToPolicy(new PolicyStatement({ actions, resources: [this.#table.tableArn] }));
    user.lambda.addEnvironment('TABLE_NAME', this.#table.tableName);
  }
}
