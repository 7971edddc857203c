/** AsyncAPI 3.0 from the contracts: which messages there are, and which mailboxes and workers take them. */
import { DEFAULT_PARTITIONS, type MessageContract, type ServiceContract } from "../../contract/contract.ts";
import type { JsonSchema } from "./json-schema.ts";
import { Schemas, typeName } from "./schemas.ts";
import { version } from "./version.ts";

/** @throws when an actor or worker receives a message that no contract declares */
export function asyncapi(contracts: readonly ServiceContract[]): JsonSchema {
  // Timers are an actor's own, and never on the bus.
  const messages = contracts
    .flatMap((it) => Object.entries(it.messages))
    .filter(([, { kind }]) => kind !== "timer");
  const known = new Set(messages.map(([type]) => type));
  const schemas = new Schemas();
  schemas.add(ENVELOPE, envelope);
  // Declared shapes first, so that derived ones are known to be the same.
  for (const [, { data }] of messages) schemas.of(data, "output");
  const described = messages.map(([type, message]) => [type, describe(type, message, schemas)]);
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Souk messages",
      version,
      description:
        "CloudEvents 1.0 over RabbitMQ. Commands and replies have one receiver; events are published whoever listens: " +
        "bind a queue of your own to the exchange. " +
        "Delivery is at least once, in order per sending actor; receivers drop repeats, and leave out fields " +
        "that they do not know: later versions may add some.",
      license: { name: "MIT" },
    },
    defaultContentType: "application/cloudevents+json",
    channels: Object.fromEntries(messages.map(([type, message]) => [type, channel(type, message)])),
    operations: Object.fromEntries(contracts.flatMap((it) => receivers(it, known))),
    components: { messages: Object.fromEntries(described), schemas: opened(schemas.all()) },
  };
}

function channel(type: string, { summary, subject }: MessageContract): JsonSchema {
  return {
    address: `${type}.{partition}`,
    description: summary,
    parameters: {
      partition: { description: `Hash of the ${subject}'s id, modulo the receiver's partitions` },
    },
    messages: { [type]: { $ref: `#/components/messages/${type}` } },
    bindings: {
      amqp: { is: "routingKey", exchange: { name: "souk", type: "topic", durable: true, autoDelete: false } },
    },
  };
}

const string = { type: "string" };
const ENVELOPE = "CloudEvent";
const envelope: JsonSchema = {
  description: "What every message has: CloudEvents 1.0, with Souk's extensions",
  type: "object",
  required: ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"],
  properties: {
    specversion: { const: "1.0" },
    id: { type: "string", format: "uuid" },
    source: { ...string, description: "The sending service, e.g. /orders" },
    type: string,
    subject: { ...string, description: "Id of what the message is about" },
    time: { type: "string", format: "date-time" },
    datacontenttype: { const: "application/json" },
    data: {},
    sender: { ...string, description: "The sending actor, <type>/<id>" },
    sequence: { type: "integer", minimum: 1, description: "Counts up per sending actor" },
    traceparent: string,
    correlationid: string,
    causationid: string,
  },
};

function describe(type: string, message: MessageContract, schemas: Schemas): JsonSchema {
  const { summary, kind, subject } = message;
  const data = schemas.of(message.data, "output");
  return {
    name: type,
    title: type,
    summary,
    tags: [{ name: kind }],
    contentType: "application/cloudevents+json",
    payload: {
      allOf: [
        { $ref: `#/components/schemas/${ENVELOPE}` },
        {
          type: "object",
          properties: {
            type: { const: type },
            subject: { ...string, description: `Id of the ${subject}` },
            data: schemas.nameOf(data) === undefined ? schemas.derived(typeName(type), data) : data,
          },
        },
      ],
    },
  };
}

/** Without a word on fields that are not known: receivers leave them out, and later versions may add some. */
function opened<T>(schema: T): T {
  if (Array.isArray(schema)) return schema.map(opened) as T;
  if (typeof schema !== "object" || schema === null) return schema;
  const kept = Object.entries(schema).filter(([key, it]) => key !== "additionalProperties" || it !== false);
  return Object.fromEntries(kept.map(([key, it]) => [key, opened(it)])) as T;
}

function receivers(contract: ServiceContract, known: ReadonlySet<string>): [string, JsonSchema][] {
  const { service, actors, workers } = contract;
  const operation = (name: string, type: string, summary: string): [string, JsonSchema] => {
    if (!known.has(type)) throw new Error(`${service}: ${name} receives ${type}, which no contract declares`);
    return [
      `${service}.${name}.${type}`,
      {
        action: "receive",
        channel: { $ref: `#/channels/${type}` },
        summary,
        messages: [{ $ref: `#/channels/${type}/messages/${type}` }],
      },
    ];
  };
  return [
    ...Object.entries(actors).flatMap(([actor, { receives, partitions = DEFAULT_PARTITIONS }]) =>
      receives.map((type) =>
        operation(actor, type, `Mailbox of the ${actor} actor, ${partitions} partitions`),
      ),
    ),
    ...Object.entries(workers).flatMap(([worker, { receives }]) =>
      receives.map((type) => operation(worker, type, `Competing consumers of ${service}`)),
    ),
  ];
}
