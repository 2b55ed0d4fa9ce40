import { App } from 'aws-cdk-lib';
import { ConfigError, loadConfig } from './config.ts';
import { TokenStack } from './token-stack.ts';

const app = new App();
const context = (key: string): unknown => app.node.tryGetContext(key);

const { CDK_DEFAULT_ACCOUNT: account, CDK_DEFAULT_REGION: region } = process.env;

try {
  const config = loadConfig(
    { wechat: context('wechat'), appId: context('appId'), stackName: context('stackName') },
    region,
  );
  new TokenStack(app, config.stackName, {
    config,
    description: 'Keeps WeChat credentials fresh: https://developers.weixin.qq.com',
    env: { ...(account && { account }), ...(region && { region }) },
  });
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
