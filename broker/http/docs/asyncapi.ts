/** AsyncAPI 3.0 from the contracts: messages, who sends them, and the mailboxes and workers that take them. */
import {
  DEFAULT_PARTITIONS,
  type MessageContract,
  type MessageKind,
  type ServiceContract,
} from "../../contract/contract.ts";
import { envelopeSchema } from "../../contract/envelope.ts";
import { exampleOf } from "./example.ts";
import type { JsonSchema } from "./json-schema.ts";
import { Schemas, typeName } from "./schemas.ts";
import { version } from "./version.ts";

/** @throws when an actor or worker receives a message that no contract declares */
export function asyncapi(contracts: readonly ServiceContract[]): JsonSchema {
  const messages = contracts.flatMap((it) =>
    Object.entries(it.messages)
      .filter(([type]) => isOnBus(it, type))
      .map(([type, message]) => ({ service: it.service, type, message })),
  );
  const known = new Set(messages.map(({ type }) => type));
  const schemas = new Schemas();
  schemas.add(ENVELOPE, schemas.of(envelopeSchema, "output"));
  // Declared shapes first. So derived ones are known to be the same.
  for (const { message } of messages) schemas.of(message.data, "output");
  const described = messages.map((it) => [it.type, describe(it, schemas)]);
  return {
    asyncapi: "3.0.0",
    info: { title: "Souk messages", version, description: DESCRIPTION, license: { name: "MIT" } },
    servers: {
      rabbitmq: {
        host: "127.0.0.1:5672",
        protocol: "amqp",
        description: "RabbitMQ, wherever `AMQP_URL` says",
      },
    },
    defaultContentType: CONTENT_TYPE,
    channels: Object.fromEntries(messages.map(({ type, message }) => [type, channel(type, message)])),
    operations: Object.fromEntries(contracts.flatMap((it) => [...senders(it), ...receivers(it, known)])),
    components: { messages: Object.fromEntries(described), schemas: schemas.all() },
  };
}

const CONTENT_TYPE = "application/cloudevents+json";

const DESCRIPTION = `The messages of a shop's services: CloudEvents 1.0 over RabbitMQ.

- **Events** are for everybody: bind a queue of your own to the exchange \`souk\`, by \`order.paid.*\` for one type.
- **Commands and replies** are the shop's own: each has one receiver.
- **Delivery** is at least once, in order per sending actor. A message that comes again has the same \`id\`.
- **Fields may be added** by later versions: leave out those that you do not know.`;

/** Timers and inline messages never leave their service. */
const isOnBus = ({ messages, actors }: ServiceContract, type: string): boolean =>
  messages[type]?.kind !== "timer" && !Object.values(actors).some((it) => it.inline?.includes(type));

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

const ENVELOPE = "CloudEvent";

const KINDS: Readonly<Record<Exclude<MessageKind, "timer">, string>> = {
  command: "Asks one receiver to do something",
  reply: "Answers a command",
  event: "Says what has happened, to everybody who listens",
};

interface OnBus {
  service: string;
  type: string;
  message: MessageContract;
}

function describe({ service, type, message }: OnBus, schemas: Schemas): JsonSchema {
  const { summary, kind, subject } = message;
  const data = schemas.of(message.data, "output");
  const named = schemas.nameOf(data) === undefined ? schemas.derived(typeName(type), data) : data;
  const example = exampleOf(named, schemas);
  return {
    name: type,
    title: type,
    summary,
    tags: [{ name: kind, description: KINDS[kind as keyof typeof KINDS] }],
    contentType: CONTENT_TYPE,
    payload: {
      allOf: [
        { $ref: `#/components/schemas/${ENVELOPE}` },
        {
          type: "object",
          properties: {
            type: { const: type },
            subject: { type: "string", description: `Id of the ${subject}` },
            data: named,
          },
        },
      ],
    },
    ...(example === undefined ? {} : { examples: [eventExample(service, type, subject, example)] }),
  };
}

const eventExample = (service: string, type: string, subject: string, data: unknown): JsonSchema => ({
  name: type,
  payload: {
    specversion: "1.0",
    id: "01941b2e-6a10-7c3f-8e52-1d9a4b7c6f03",
    source: `/${service}`,
    type,
    subject: `id of the ${subject}`,
    time: "2026-11-27T09:30:00.000Z",
    datacontenttype: "application/json",
    data,
  },
});

/** Events and replies are sent by the service that declares them; a test shows it. */
function senders({ service, messages }: ServiceContract): [string, JsonSchema][] {
  return Object.entries(messages)
    .filter(([, { kind }]) => kind === "event" || kind === "reply")
    .map(([type, { kind }]) => operation(`${service}.${type}`, "send", type, `A ${kind} of ${service}`));
}

function receivers(contract: ServiceContract, known: ReadonlySet<string>): [string, JsonSchema][] {
  const { service, actors, workers } = contract;
  const receiver = (name: string, type: string, summary: string): [string, JsonSchema] => {
    if (!known.has(type)) throw new Error(`${service}: ${name} receives ${type}, which no contract declares`);
    return operation(`${service}.${name}.${type}`, "receive", type, summary);
  };
  return [
    ...Object.entries(actors).flatMap(([actor, { receives, partitions = DEFAULT_PARTITIONS }]) =>
      receives.map((type) =>
        receiver(actor, type, `Mailbox of the ${actor} actor, ${partitions} partitions`),
      ),
    ),
    ...Object.entries(workers).flatMap(([worker, { receives }]) =>
      receives.map((type) => receiver(worker, type, `Competing consumers of ${service}`)),
    ),
  ];
}

const operation = (
  name: string,
  action: "send" | "receive",
  type: string,
  summary: string,
): [string, JsonSchema] => [
  name,
  {
    action,
    channel: { $ref: `#/channels/${type}` },
    summary,
    messages: [{ $ref: `#/channels/${type}/messages/${type}` }],
  },
];
