import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** The operation of SNS that the refresher uses, over real HTTP, so that the real SDK client is under test. */
export type TopicServer = {
  readonly url: string;
  readonly published: readonly {
    readonly topicArn: string;
    readonly subject: string;
    readonly message: string;
  }[];
  /** While true every call fails with a 500. */
  down: boolean;
  close(): Promise<void>;
};

export async function startTopicServer(): Promise<TopicServer> {
  const published: { topicArn: string; subject: string; message: string }[] = [];
  let down = false;
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const form = new URLSearchParams(body);
      if (down || form.get('Action') !== 'Publish') return response.writeHead(500).end();
      const field = (name: string) => form.get(name) ?? '';
      published.push({ topicArn: field('TopicArn'), subject: field('Subject'), message: field('Message') });
      return response
        .writeHead(200, { 'content-type': 'text/xml' })
        .end('<PublishResponse><PublishResult><MessageId>1</MessageId></PublishResult></PublishResponse>');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    published,
    get down() {
      return down;
    },
    set down(value) {
      down = value;
    },
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
