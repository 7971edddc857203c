/**
 * Checks whether the queues on RabbitMQ have the arguments that this version declares. It declares nothing that is
 * missing.
 *
 * The management API shows everything, also bindings and replicas. AMQP shows nothing. But RabbitMQ refuses to
 * declare an existing queue with other arguments, and names the first difference.
 */
import type { Channel, ChannelModel } from "amqplib";
import { toError } from "../../resilience/retry.ts";
import type { Topology } from "../bus.ts";
import {
  deadExchangeName,
  deadQueueName,
  exchangeName,
  queueName,
  queuesOf,
  tapExchangeName,
} from "../topology.ts";
import { connectToAny } from "./connect-once.ts";
import { deadQueueArguments, exchangeOf, type QueueArguments, queueArguments } from "./declare.ts";

export interface TopologyMismatch {
  /** Queue or exchange, with prefix. */
  readonly name: string;
  /** For people, for example `x-delivery-limit is missing, not 200`. */
  readonly what: string;
}

/** Replicas that a queue needs to survive the loss of one. */
const SAFE_MEMBERS = 3;

interface Expected {
  readonly name: string;
  readonly args: QueueArguments;
}

const API_TIMEOUT_MS = 10_000;
const CHECKS_AT_ONCE = 16;
const NOT_FOUND = 404;
const PRECONDITION_FAILED = 406;

const expectedQueues = (prefix: string, topology: Topology): Expected[] =>
  queuesOf(topology).flatMap((plan) => {
    const name = queueName(prefix, plan.name);
    return [
      { name, args: queueArguments(prefix, plan) },
      { name: deadQueueName(name), args: deadQueueArguments },
    ];
  });

const expectedExchanges = (prefix: string, { taps }: Topology): string[] => [
  exchangeName(prefix),
  deadExchangeName(prefix),
  ...(taps.length > 0 ? [tapExchangeName(prefix)] : []),
];

/** @throws Error where RabbitMQ can't be reached or asked */
export async function checkOverAmqp(
  url: string,
  prefix: string,
  topology: Topology,
): Promise<TopologyMismatch[]> {
  const connection = await connectToAny(url);
  try {
    const queues = expectedQueues(prefix, topology);
    const mismatches: TopologyMismatch[] = [];
    for (const exchange of expectedExchanges(prefix, topology)) {
      const refused = await refusal(connection, (channel) => channel.checkExchange(exchange));
      if (refused) mismatches.push({ name: exchange, what: whatOf(refused) });
    }
    const workers = Array.from({ length: CHECKS_AT_ONCE }, async () => {
      for (let queue = queues.shift(); queue; queue = queues.shift()) {
        const { name, args } = queue;
        const refused = await refusal(connection, async (channel) => {
          await channel.checkQueue(name);
          await channel.assertQueue(name, { durable: true, arguments: args });
        });
        if (refused) mismatches.push({ name, what: whatOf(refused) });
      }
    });
    await Promise.all(workers);
    return sorted(mismatches);
  } finally {
    await connection.close();
  }
}

/** Runs `ask` on its own channel. A refusal closes that channel. @throws any error that is not a refusal */
async function refusal(
  connection: ChannelModel,
  ask: (channel: Channel) => Promise<unknown>,
): Promise<Error | undefined> {
  const channel = await connection.createChannel();
  // The pending call is rejected with the same error. An event without a listener would end the process.
  channel.on("error", () => undefined);
  try {
    await ask(channel);
  } catch (thrown) {
    const error = toError(thrown);
    const { code } = error as { code?: unknown };
    if (code === NOT_FOUND || code === PRECONDITION_FAILED) return error;
    throw error;
  }
  await channel.close();
  return undefined;
}

/** Parses RabbitMQ's text: `inequivalent arg 'x' for queue 'q' in vhost '/': received … but current is …`. */
function whatOf(error: Error): string {
  if ((error as { code?: unknown }).code === NOT_FOUND) return "is missing";
  const [, argument, told = ""] = /inequivalent arg '([^']+)'(.*)/s.exec(error.message) ?? [];
  const [wanted, present] = told
    .slice(told.indexOf(": received ") + ": received ".length)
    .split("but current is ")
    .map((it) => /^(?:the value )?'?([^'"]*)/.exec(it)?.[1]?.trim());
  if (!argument) return error.message;
  return present === "none"
    ? `${argument} is missing, not ${wanted}`
    : `${argument} is ${present}, not ${wanted}`;
}

/**
 * @param apiUrl of the management API with user and password, for example `http://guest:guest@127.0.0.1:15672`
 * @param vhost usually `/`
 * @throws Error where the API does not answer as expected
 */
export async function checkOverApi(
  apiUrl: string,
  vhost: string,
  prefix: string,
  topology: Topology,
): Promise<TopologyMismatch[]> {
  const queues = new Map((await list(apiUrl, "queues", vhost)).map((it) => [it.name, it]));
  const exchanges = new Set((await list(apiUrl, "exchanges", vhost)).map((it) => it.name));
  const bindings = await list(apiUrl, "bindings", vhost);
  const nodes = (await list(apiUrl, "nodes")).length;
  const mismatches: TopologyMismatch[] = [];
  for (const exchange of expectedExchanges(prefix, topology))
    if (!exchanges.has(exchange)) mismatches.push({ name: exchange, what: "is missing" });
  for (const { name, args } of expectedQueues(prefix, topology)) {
    const queue = queues.get(name);
    if (!queue) {
      mismatches.push({ name, what: "is missing" });
      continue;
    }
    const members = queue.members?.length ?? nodes;
    const wanted = Math.min(nodes, SAFE_MEMBERS);
    if (members < wanted) mismatches.push({ name, what: `has ${members} of ${wanted} members` });
    if (queue.durable !== true) mismatches.push({ name, what: "is not durable" });
    for (const [argument, wanted] of Object.entries(args)) {
      const present = queue.arguments?.[argument];
      if (present === wanted) continue;
      const is = present === undefined ? "missing" : String(present);
      mismatches.push({ name, what: `${argument} is ${is}, not ${wanted}` });
    }
  }
  return sorted([...mismatches, ...bindingMismatches(prefix, topology, bindings)]);
}

/**
 * Finds missing bindings, and bindings of types that a contract no longer receives. Nodes never unbind, because older
 * nodes may still run. A message over such a binding goes to the dead queue.
 */
function bindingMismatches(
  prefix: string,
  topology: Topology,
  present: readonly Listed[],
): TopologyMismatch[] {
  const line = (exchange: string, queue: string, key: string) => `${exchange}\n${queue}\n${key}`;
  const expected = new Map<string, TopologyMismatch>();
  const add = (exchange: string, name: string, key: string) =>
    expected.set(line(exchange, name, key), { name, what: `is not bound to ${key} of ${exchange}` });
  for (const plan of queuesOf(topology)) {
    const name = queueName(prefix, plan.name);
    for (const key of plan.bindings) add(exchangeOf(prefix, plan), name, key);
    add(deadExchangeName(prefix), deadQueueName(name), name);
  }
  const own = new Set([...expected.values()].map((it) => it.name));
  const mismatches: TopologyMismatch[] = [];
  for (const { source = "", destination = "", routing_key = "" } of present) {
    if (expected.delete(line(source, destination, routing_key)) || source === "" || !own.has(destination))
      continue;
    mismatches.push({
      name: destination,
      what: `is bound to ${routing_key} of ${source}, which it does not receive`,
    });
  }
  return [...mismatches, ...expected.values()];
}

interface Listed {
  name: string;
  durable?: boolean;
  arguments?: Record<string, unknown>;
  /** RabbitMQ nodes that have a replica of the queue. */
  members?: string[];
  /** Of a binding: exchange and queue. */
  source?: string;
  destination?: string;
  routing_key?: string;
}

type Kind = "queues" | "exchanges" | "bindings" | "nodes";

async function list(apiUrl: string, kind: Kind, vhost?: string): Promise<Listed[]> {
  const url = new URL(`/api/${kind}${vhost === undefined ? "" : `/${encodeURIComponent(vhost)}`}`, apiUrl);
  url.search = "?columns=name,durable,arguments,members,source,destination,routing_key";
  const { username, password } = url;
  url.username = "";
  url.password = "";
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString(
    "base64",
  );
  const response = await fetch(url, {
    headers: { authorization: `Basic ${login}` },
    signal: AbortSignal.timeout(API_TIMEOUT_MS),
  });
  if (!response.ok) throw new Error(`${url.host} answers ${response.status} to a question about ${kind}`);
  const body: unknown = await response.json();
  if (!Array.isArray(body)) throw new Error(`${url.host} does not list ${kind}`);
  return body as Listed[];
}

const sorted = (mismatches: TopologyMismatch[]): TopologyMismatch[] =>
  mismatches.sort((a, b) => a.name.localeCompare(b.name));
