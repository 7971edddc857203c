/** Logging in (SCRAM-SHA-256), for stores on TCP. On a socket, the file's mode restricts access. */
import { Binary } from "bson";
import { ScramConversation, ScramError } from "../auth/scram.ts";
import { getField, type Raw, stringValue, Type } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";
import type { Store } from "../store.ts";
import type { Context, Reply } from "./context.ts";
import type { Request } from "./request.ts";

export const MECHANISM = "SCRAM-SHA-256";
const CONVERSATION = 1;

/** Commands that a client may send before it has logged in. */
const OPEN: ReadonlySet<string> = new Set([
  "hello",
  "isMaster",
  "ismaster",
  "ping",
  "buildInfo",
  "buildinfo",
  "connectionStatus",
  "whatsmyuri",
  "saslStart",
  "saslContinue",
  "logout",
]);

/** @throws {StoreError} Unauthorized */
export function checkAuthenticated({ credentials }: Store, { name, connection }: Request): void {
  if (credentials === undefined || connection.user !== undefined || OPEN.has(name)) return;
  throw new StoreError(13, `Command ${name} requires authentication`);
}

export function saslStart({ store, request }: Context): Reply {
  return start(
    store,
    request,
    request.string("mechanism"),
    request.get("payload"),
    request.document("options"),
  );
}

/** The first step of a log-in, sent with `hello`. Errors in it are left to the log-in itself. */
export function speculativeStart({ store, request }: Context): Reply | undefined {
  const given = request.document("speculativeAuthenticate");
  if (given === undefined || store.credentials === undefined) return undefined;
  const mechanism = getField(given, Buffer.from("mechanism"));
  const options = getField(given, Buffer.from("options"));
  try {
    const name = mechanism?.type === Type.string ? stringValue(mechanism) : undefined;
    return { ...start(store, request, name, getField(given, Buffer.from("payload")), options), ok: 1 };
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}

function start(
  { credentials }: Store,
  { connection }: Request,
  mechanism: string | undefined,
  payload: Raw | undefined,
  options: Raw | undefined,
): { conversationId: number; done: boolean; payload: Binary } {
  if (credentials === undefined || mechanism !== MECHANISM)
    throw new StoreError(334, `Unsupported mechanism: ${mechanism}`);
  const scram = new ScramConversation(credentials);
  const skip = options && getField(options, Buffer.from("skipEmptyExchange"));
  const answer = step(() => scram.first(textOf(payload)));
  connection.conversation = {
    scram,
    brief: skip?.type === Type.bool && skip.buf[skip.start] === 1,
    proved: false,
  };
  return { conversationId: CONVERSATION, done: false, payload: answer };
}

export function saslContinue({ store, request }: Context): Reply {
  const { connection } = request;
  const { conversation } = connection;
  if (conversation === undefined || store.credentials === undefined)
    throw new StoreError(17, "No SASL session state found");
  if (conversation.proved) {
    connection.conversation = undefined;
    connection.user = store.credentials.user;
    return { conversationId: CONVERSATION, done: true, payload: new Binary() };
  }
  // One try only. The next one starts again in any case.
  connection.conversation = undefined;
  const answer = step(() => conversation.scram.last(textOf(request.get("payload"))));
  if (conversation.brief) connection.user = store.credentials.user;
  else connection.conversation = { ...conversation, proved: true };
  return { conversationId: CONVERSATION, done: conversation.brief, payload: answer };
}

export function logout({ request }: Context): Reply {
  request.connection.user = undefined;
  return {};
}

export function connectionStatus({ request }: Context): Reply {
  const { user } = request.connection;
  return {
    authInfo: {
      authenticatedUsers: user === undefined ? [] : [{ user, db: "admin" }],
      authenticatedUserRoles: user === undefined ? [] : [{ role: "root", db: "admin" }],
    },
  };
}

function step(work: () => string): Binary {
  try {
    return new Binary(Buffer.from(work()));
  } catch (error) {
    if (error instanceof ScramError) throw new StoreError(18, "Authentication failed.");
    throw error;
  }
}

/** The bytes of a BSON binary are behind its length and subtype. */
function textOf(payload: Raw | undefined): string {
  if (payload?.type !== Type.binary) throw new StoreError(18, "Authentication failed.");
  return payload.buf.toString("utf8", payload.start + 5, payload.end);
}
