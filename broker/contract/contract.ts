/**
 * Contracts: what a service offers and says, written once in zod. Validation, TypeScript types, OpenAPI,
 * AsyncAPI and RabbitMQ's topology are all derived from what stands here.
 */
import type { z } from "zod";
import type { ErrorCode, ErrorEntries } from "./errors.ts";

export type Audience = "public" | "customer" | "staff" | "admin";
export type RestRoute = `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} /${string}`;

export interface ActionContract<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  /** One line for the API docs. */
  readonly summary: string;
  /** What else callers should know: a few sentences of Markdown. */
  readonly description?: string;
  /** Name of its route's method in generated clients, e.g. `placeOrder`; `ordersPlace` unless told. */
  readonly operationId?: string;
  /** Everything the action takes: path, query and body parameters are one object. */
  readonly params: P;
  readonly returns: R;
  /** Route below /api/v1, e.g. `"GET /products/:id"`; an action without one can't be reached over HTTP. */
  readonly rest?: RestRoute;
  /** A public route that knows a signed-in caller by the token, where there is one. */
  readonly knowsCaller?: boolean;
  /** Headers of its own, by their names, for the docs; each schema has a description. */
  readonly headers?: {
    readonly request?: Readonly<Record<string, z.ZodType>>;
    readonly reply?: Readonly<Record<string, z.ZodType>>;
  };
  /** Who may call the route. `customer` means any signed-in user; staff and admin see more. Required with `rest`. */
  readonly auth?: Audience;
  /**
   * It changes nothing (or nothing more when it is repeated), and does not wait for something to happen: where its node
   * does not answer, another one is asked. What a GET route does always is; all others are writes unless told.
   */
  readonly readOnly?: boolean;
  /** Status of a success over HTTP; 200 unless told (204 where `returns` is z.void()). */
  readonly status?: number;
  /** `Idempotency-Key` is honoured; where it is required the request is refused without it. */
  readonly idempotent?: "required" | "optional";
  /** The reply carries an `ETag` made from its `version`, and `If-Match` is honoured as `ctx.meta.ifMatch`. */
  readonly etag?: boolean;
  /** What the route takes or gives that is not JSON. */
  readonly body?: "raw";
  readonly produces?: "text/html" | "text/event-stream" | "application/pdf";
  /** Codes that the action may answer with, for the docs (validation, auth and rate limit are implied). */
  readonly errors?: readonly ErrorCode[];
  /** Members that the problem documents of single codes have beside the usual ones, for the docs. */
  readonly problems?: Readonly<Partial<Record<ErrorCode, z.ZodObject>>>;
  readonly deprecated?: boolean;
}

/**
 * `command` asks one receiver to do something and must be routable; `reply` answers a command;
 * `event` says what happened, to whoever listens, possibly nobody this process knows of;
 * `timer` is an actor's message to itself: private, never published, in no public document.
 */
export type MessageKind = "command" | "reply" | "event" | "timer";

export interface MessageContract<D extends z.ZodType = z.ZodType> {
  readonly summary: string;
  readonly kind: MessageKind;
  /** What the envelope's `subject` identifies, e.g. `"order"`. */
  readonly subject: string;
  readonly data: D;
  /** Names that it had in earlier releases: messages under way or stored under them still arrive. */
  readonly formerly?: readonly string[];
}

/** An actor type and the messages its mailboxes are bound to. Partitions are fixed at creation. */
export interface ActorContract {
  readonly receives: readonly string[];
  readonly partitions?: number;
}

/** A group of competing consumers and the messages their shared queue is bound to. */
export interface WorkerContract {
  readonly receives: readonly string[];
}

export interface ServiceContract {
  readonly service: string;
  /** One line for the docs. */
  readonly description?: string;
  readonly actions: Readonly<Record<string, ActionContract>>;
  readonly messages: Readonly<Record<string, MessageContract>>;
  readonly actors: Readonly<Record<string, ActorContract>>;
  readonly workers: Readonly<Record<string, WorkerContract>>;
  /** Error codes of the domain. */
  readonly errors?: ErrorEntries;
}

export const DEFAULT_PARTITIONS = 16;

const registry = new Map<string, ServiceContract>();

/**
 * Declares a service's contract and enters it in the process's registry.
 * Its file also augments {@link Actions} and {@link Messages}, so that `call` and `send` are typed everywhere.
 * @throws when a route lacks `auth`, or a name is taken.
 */
export function defineContract<
  const S extends string,
  const A extends Record<string, ActionContract>,
  const M extends Record<string, MessageContract>,
  const T extends Record<string, ActorContract> = Record<never, ActorContract>,
  const W extends Record<string, WorkerContract> = Record<never, WorkerContract>,
>(contract: {
  service: S;
  description?: string;
  actions: A;
  messages: M;
  actors?: T;
  workers?: W;
  errors?: ErrorEntries;
}) {
  const complete = {
    ...contract,
    actors: contract.actors ?? ({} as T),
    workers: contract.workers ?? ({} as W),
  };
  for (const [name, action] of Object.entries(contract.actions)) {
    if (action.rest && !action.auth)
      throw new Error(`${contract.service}.${name} has a route but does not declare who may call it (auth)`);
  }
  for (const [name, { rest, readOnly }] of Object.entries(contract.actions))
    if (rest?.startsWith("GET ") && readOnly === false)
      throw new Error(`${contract.service}.${name} is a GET route, and those only read`);
  if (registry.has(contract.service)) throw new Error(`contract ${contract.service} is defined twice`);
  for (const other of registry.values())
    for (const type of Object.keys(contract.messages))
      if (type in other.messages) throw new Error(`message ${type} is defined by ${other.service} already`);
  registry.set(contract.service, complete);
  return complete;
}

export function action<P extends z.ZodType, R extends z.ZodType>(contract: ActionContract<P, R>) {
  return contract;
}

/** Whether the action may be asked of another node when its answer does not come. */
export const isReadOnly = ({ rest, readOnly = rest?.startsWith("GET ") ?? false }: ActionContract): boolean =>
  readOnly;

function message(kind: MessageKind) {
  return <D extends z.ZodType>(
    subject: string,
    summary: string,
    data: D,
    options: Pick<MessageContract, "formerly"> = {},
  ): MessageContract<D> => ({ kind, subject, summary, data, ...options });
}
export const command = message("command");
export const reply = message("reply");
export const event = message("event");
export const timer = message("timer");

/** Contracts that this process has loaded. */
export function knownContracts(): readonly ServiceContract[] {
  return [...registry.values()];
}

/** What a message type is called now: the name itself unless an earlier release called it so. */
export function presentType(type: string): string {
  for (const { messages } of registry.values())
    for (const [name, { formerly }] of Object.entries(messages)) if (formerly?.includes(type)) return name;
  return type;
}

/** Names that these message types had in earlier releases. */
export const formerTypes = (types: readonly string[]): string[] =>
  types.flatMap((type) => findMessage(type)?.formerly ?? []);

/** The contract of a message type. @throws when no loaded contract declares it. */
export function messageContract(type: string): MessageContract {
  const found = findMessage(type);
  if (!found) throw new Error(`no loaded contract declares the message ${type}`);
  return found;
}

function findMessage(type: string): MessageContract | undefined {
  for (const { messages } of registry.values()) if (messages[type]) return messages[type];
  return undefined;
}

/** Service that declares the message `type`; a message's `source` is `/<service>` of its sender, not of this. */
export function actionContract(name: string): ActionContract | undefined {
  const dot = name.indexOf(".");
  return registry.get(name.slice(0, dot))?.actions[name.slice(dot + 1)];
}

// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging in each *.contract.ts
export interface Actions {}
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging in each *.contract.ts
export interface Messages {}

export type ActionsOf<C extends ServiceContract> = {
  [K in keyof C["actions"] & string as `${C["service"]}.${K}`]: C["actions"][K];
};
export type MessagesOf<C extends ServiceContract> = C["messages"];

export type ActionName = keyof Actions & string;
export type MessageType = keyof Messages & string;
export type ParamsIn<N extends ActionName> =
  Actions[N] extends ActionContract<infer P, z.ZodType> ? z.input<P> : never;
export type Returned<N extends ActionName> =
  Actions[N] extends ActionContract<z.ZodType, infer R> ? z.output<R> : never;
export type DataIn<T extends MessageType> = Messages[T] extends MessageContract<infer D> ? z.input<D> : never;
export type DataOut<T extends MessageType> =
  Messages[T] extends MessageContract<infer D> ? z.output<D> : never;
