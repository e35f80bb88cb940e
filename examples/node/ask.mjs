// A conversation with Kefu, streamed: node ask.mjs ADDRESS CA CERT KEY TENANT TEXT...

import { connect, converse, createSession } from "./kefu.mjs";

const [address, ca, cert, key, tenant, ...texts] = process.argv.slice(2);
const client = connect(address, { ca, cert, key });
try {
  const session = await createSession(client, tenant);
  for (const text of texts) {
    for await (const event of converse(client, session, text)) {
      if (event.delta) process.stdout.write(event.delta.text);
      if (event.citation) console.error(`source: ${event.citation.citation.title}`);
      if (event.completed) console.error(`trace: ${event.completed.turn.traceId}`);
    }
    console.log();
  }
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  client.close();
}
