import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { TABLE_NAME } from '../../functions/deployment.ts';
import type { BundledFunction } from './bundled-function.ts';
import { onlyViaDynamoDb } from './permissions.ts';

export interface CredentialTableProps {
  /** The customer's own. @default DynamoDB encrypts with a key of its own */
  readonly customerKey?: IKey | undefined;
}

/** The source of truth: one item a credential. It outlives `cdk destroy`, because apps may still use the tokens in it. */
export class CredentialTable extends Construct {
  readonly tableName: string;
  readonly #table: TableV2;
  readonly #customerKey: IKey | undefined;

  constructor(scope: Construct, id: string, { customerKey }: CredentialTableProps) {
    super(scope, id);
    this.#table = new TableV2(this, 'Table', {
      partitionKey: { name: 'id', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      ...(customerKey && { encryption: TableEncryptionV2.customerManagedKey(customerKey) }),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    this.tableName = this.#table.tableName;
    this.#customerKey = customerKey;
  }

  /** Reading only. By hand: `grantReadData` gives Scan, Query and the streams too. */
  grantRead(reader: BundledFunction): void {
    this.#grant(reader, ['dynamodb:BatchGetItem'], ['kms:Decrypt', 'kms:DescribeKey']);
  }

  /** Reading, and the conditional writes of whole records. */
  grantReadWrite(refresher: BundledFunction): void {
    this.#grant(
      refresher,
      ['dynamodb:BatchGetItem', 'dynamodb:PutItem'],
      ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey'],
    );
  }

  /** The grant and the variable in one call, so that they cannot drift apart. */
  #grant(grantee: BundledFunction, actions: string[], keyActions: string[]): void {
    grantee.allow(actions, this.#table.tableArn);
    if (this.#customerKey) grantee.allow(keyActions, this.#customerKey.keyArn, onlyViaDynamoDb(this));
    grantee.setEnvironment(TABLE_NAME, this.#table.tableName);
  }
}
