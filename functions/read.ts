import { signedBatchGet } from './aws/signed-batch-get.ts';
import { loadDeployment, requiredEnv, TABLE_NAME } from './deployment.ts';
import { createReader } from './reader.ts';

/** The read-only URL. */
export const handler = createReader(
  loadDeployment(import.meta.url),
  requiredEnv(TABLE_NAME),
  signedBatchGet(),
);
