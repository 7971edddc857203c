/** A Markdown page of all messages, for people who want to listen to them. */
import { z } from "zod";
import type { MessageContract, ServiceContract } from "../../../broker/contract/contract.ts";
import type { Senders } from "./message-senders.ts";

interface Row {
  type: string;
  message: MessageContract;
  /** Services. */
  from: readonly string[];
  /** Mailboxes and workers: their service and name. */
  to: readonly { service: string; name: string }[];
}

export function messagesPage(
  contracts: readonly ServiceContract[],
  senders: ReadonlyMap<string, Senders>,
): string {
  const rows = contracts
    .flatMap(({ messages }) => Object.entries(messages))
    .filter(([, { kind }]) => kind !== "timer")
    .map(([type, message]) => rowOf(type, message, contracts, senders.get(type)));
  return [...INTRODUCTION, ...picture(rows), ...tables(rows), ""].join("\n");
}

function rowOf(
  type: string,
  message: MessageContract,
  contracts: readonly ServiceContract[],
  { sent, applied }: Senders = { sent: new Set(), applied: new Set() },
): Row {
  const to = contracts.flatMap(({ service, actors, workers }) => [
    ...receiving(actors, type).map((actor) => ({ service, name: `actor ${actor}` })),
    ...Object.entries(actors).flatMap(([actor, { inline = [] }]) =>
      inline.includes(type) ? [{ service, name: `actor ${actor}, inline` }] : [],
    ),
    ...receiving(workers, type).map((worker) => ({ service, name: `worker ${worker}` })),
  ]);
  return { type, message, from: [...new Set([...sent, ...applied])].sort(), to };
}

const receiving = (receivers: Readonly<Record<string, { receives: readonly string[] }>>, type: string) =>
  Object.entries(receivers).flatMap(([name, { receives }]) => (receives.includes(type) ? [name] : []));

const INTRODUCTION = [
  "# Messages",
  "",
  "Services send each other messages over RabbitMQ. This page lists all of them. [asyncapi.json](asyncapi.json) has",
  "their data, field by field. [messaging.md](messaging.md) explains how they travel.",
  "",
  "| kind | means |",
  "|---|---|",
  "| command | asks one receiver to do something |",
  "| reply | answers a command |",
  "| event | says what has happened, to everybody who listens |",
  "",
  "**Events are public.** They stay compatible from release to release. Fields may be added, so ignore unknown ones.",
  "Commands and replies are the shop's own. An action of a service applies an inline command to an actor of the same",
  "service. Inline commands are never on the bus.",
  "The subject of a message is the id of what it is about.",
  "",
  "To listen, bind a queue of your own to the exchange `souk` (a topic exchange, named by `AMQP_PREFIX`). The routing",
  "key is the type and a number, so bind `order.paid.*` for one type, or `order.#` for all that begin so. Each message",
  "is a CloudEvent in JSON:",
  "",
  "```json",
  JSON.stringify(
    {
      specversion: "1.0",
      id: "01941b2e-6a10-7c3f-8e52-1d9a4b7c6f03",
      source: "/orders",
      type: "order.refunded",
      subject: "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21",
      time: "2026-12-01T08:00:02.000Z",
      datacontenttype: "application/json",
      data: {
        number: "261127-7K2QF-M9DXA",
        customerId: "01941b10-0a11-7c20-8d31-5f2e9b7c4a10",
        amount: { amount: 4900, currency: "USD" },
      },
      sender: "order/01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21",
      sequence: 9,
    },
    null,
    2,
  ),
  "```",
  "",
  "Delivery is at least once. A message that comes again has the same `id`. Messages of one `sender` count up in",
  "`sequence`, from 1.",
  "",
];

/** Which services send to which. */
function picture(rows: readonly Row[]): string[] {
  const arrows = new Map<string, string[]>();
  for (const { type, from, to } of rows)
    for (const sender of from)
      for (const { service } of to) {
        if (service === sender) continue;
        const arrow = `${sender} ${service}`;
        arrows.set(arrow, [...new Set([...(arrows.get(arrow) ?? []), type])]);
      }
  const lines = [...arrows].map(([arrow, types]) => {
    const [sender, receiver] = arrow.split(" ");
    return `  ${sender} -->|${types.join("<br/>")}| ${receiver}`;
  });
  return ["```mermaid", "flowchart LR", ...lines.sort(), "```", ""];
}

function tables(rows: readonly Row[]): string[] {
  const subjects = [...new Set(rows.map((it) => it.message.subject))].sort();
  return subjects.flatMap((subject) => [
    `## Subject: ${subject}`,
    "",
    "| message | kind | says | data | sent by | received by |",
    "|---|---|---|---|---|---|",
    ...rows.filter((it) => it.message.subject === subject).map(line),
    "",
  ]);
}

function line({ type, message: { kind, summary, data }, from, to }: Row): string {
  const fields = data instanceof z.ZodObject ? Object.keys(data.shape) : [];
  const receivers = to.map(({ service, name }) => `${service}: ${name}`);
  return `| \`${type}\` | ${kind} | ${summary} | ${fields.join(", ")} | ${from.join(", ")} | ${receivers.join("<br/>") || "whoever listens"} |`;
}
