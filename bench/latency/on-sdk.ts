import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { batchGet } from '../../functions/aws/record-table.ts';
import { loadDeployment, requiredEnv, TABLE_NAME } from '../../functions/deployment.ts';
import { createReader } from '../../functions/reader.ts';

/** The read function on the AWS SDK's client instead of our signed request, with the same routes. */
export const handler = createReader(
  // Bundled by default it is CommonJS, which has no `import.meta`.
  loadDeployment(requiredEnv('DEPLOYMENT_URL')),
  requiredEnv(TABLE_NAME),
  batchGet(new DynamoDBClient()),
);
