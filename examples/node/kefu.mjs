// A client of Kefu's session service: mutual TLS 1.3, and a stream that survives a broken connection.

import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createSecureContext } from "node:tls";
import { promisify } from "node:util";
import grpc from "@grpc/grpc-js";
import protoLoader from "@grpc/proto-loader";

const CALL_MILLISECONDS = 30_000;
const MOST_RESUMES = 5;

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const protos = protoLoader.loadSync("kefu/session/v1/session.proto", {
  // include/ stands in for the annotations that our protos import and a client has no use for.
  includeDirs: [here("../../protos"), here("include")],
  enums: String,
  longs: Number,
  oneofs: true,
});
const { SessionService } = grpc.loadPackageDefinition(protos).kefu.session.v1;

// UNAVAILABLE alone is safe to repeat, and a repeat with the same requestId is the same turn.
const SERVICE_CONFIG = JSON.stringify({
  methodConfig: [{
    name: [{ service: "kefu.session.v1.SessionService" }],
    retryPolicy: {
      maxAttempts: 3,
      initialBackoff: "0.1s",
      maxBackoff: "1s",
      backoffMultiplier: 2,
      retryableStatusCodes: ["UNAVAILABLE"],
    },
  }],
});

/** Opens a channel. `ca`, `cert` and `key` are PEM files, as `kefu certs issue` writes them. */
export function connect(address, { ca, cert, key }) {
  const context = createSecureContext({
    ca: readFileSync(ca),
    cert: readFileSync(cert),
    key: readFileSync(key),
    minVersion: "TLSv1.3",
  });
  const credentials = grpc.credentials.createFromSecureContext(context);
  return new SessionService(address, credentials, { "grpc.service_config": SERVICE_CONFIG });
}

const deadline = () => ({ deadline: Date.now() + CALL_MILLISECONDS });

/** Starts a conversation and returns its name, `tenants/{tenant}/sessions/{session}`. */
export async function createSession(client, tenant) {
  const create = promisify(client.CreateSession.bind(client));
  const request = { parent: `tenants/${tenant}`, requestId: randomUUID() };
  const { session } = await create(request, deadline());
  return session.name;
}

/** Sends one message of the customer; yields the events of the turn, each exactly once. */
export async function* converse(client, session, text) {
  const request = { session, requestId: randomUUID(), input: { text } };
  let turn = "";
  let afterSequence = 0;
  for (let attempt = 0; ; attempt++) {
    const call = turn
      ? client.ResumeTurn({ name: turn, afterSequence }, deadline())
      : client.Converse(request, deadline());
    try {
      for await (const { event } of call) {
        turn ||= event.started?.turn ?? "";
        afterSequence = event.sequence;
        yield event;
      }
      return;
    } catch (error) {
      if (error.code !== grpc.status.UNAVAILABLE || attempt === MOST_RESUMES) throw error;
    }
  }
}
