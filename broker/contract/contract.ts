/**
 * Contracts: what a service offers and sends, written once in zod. Validation, TypeScript types, OpenAPI, AsyncAPI
 * and RabbitMQ's topology are derived from them.
 */
import type { z } from "zod";
import type { ErrorCode, ErrorEntries } from "./errors.ts";
import type { UploadContract } from "./upload.ts";
import type { Variables } from "./variables.ts";

export type Audience = "public" | "customer" | "staff" | "admin";
/** What a member of staff, or a key, may be allowed to do: `orders:read`. */
export type Scope = `${string}:${"read" | "write"}`;
export type RestRoute = `${"GET" | "POST" | "PUT" | "PATCH" | "DELETE"} /${string}`;

export interface ActionContract<P extends z.ZodType = z.ZodType, R extends z.ZodType = z.ZodType> {
  /** One line for the API docs. */
  readonly summary: string;
  /** What else callers should know: a few sentences of Markdown. */
  readonly description?: string;
  /** Name of its route's method in generated clients, e.g. `placeOrder`; `ordersPlace` unless told. */
  readonly operationId?: string;
  /** All parameters of the action: path, query and body in one object. */
  readonly params: P;
  readonly returns: R;
  /** Route below /api/v1, for example `"GET /products/:id"`. An action without a route can't be called over HTTP. */
  readonly rest?: RestRoute;
  /** A public route that knows a signed-in caller by the token, where there is one. */
  readonly knowsCaller?: boolean;
  /** A cookie that it reads: its value is `ctx.meta.cookie`. Over https its name begins with `__Host-`. */
  readonly cookie?: string;
  /** Headers of its own, by their names, for the docs; each schema has a description. */
  readonly headers?: {
    readonly request?: Readonly<Record<string, z.ZodType>>;
    readonly reply?: Readonly<Record<string, z.ZodType>>;
  };
  /**
   * Who may call the route. `customer` means any signed-in user. Staff and admin can do more. Required with `rest`.
   */
  readonly auth?: Audience;
  /** What staff and keys must be allowed to do. Required with `auth: "staff"`. Admins may do everything. */
  readonly scope?: Scope;
  /** A second scope that they must have, too: of the area whose data the route hands out. Only beside `scope`. */
  readonly alsoScope?: Scope;
  /**
   * Staff and keys with this scope do here with everybody's things what others do with their own. The service asks
   * `may(user, scope)`. Only on routes for customers and for everybody. A key without it is refused there.
   */
  readonly widerScope?: Scope;
  /**
   * The action changes nothing, or nothing more when repeated, and does not wait for an event. If its node does not
   * answer, another node is asked. GET routes are always read-only. All other actions are writes by default.
   */
  readonly readOnly?: boolean;
  /** HTTP status of a success. Default: 200, or 204 where `returns` is z.void(). */
  readonly status?: number;
  /** Whether `Idempotency-Key` is supported. Where it is required, a request without it is refused. */
  readonly idempotent?: "required" | "optional";
  /** The reply has an `ETag` made from its `version`. `If-Match` is passed on as `ctx.meta.ifMatch`. */
  readonly etag?: boolean;
  /** Request or response content that is not JSON. */
  readonly body?: "raw";
  /** The body is a file. Parameters stand in the query; `file` is added to them, see upload.ts. */
  readonly upload?: UploadContract;
  /** The reply is sent in pages, as the client takes them. The action itself only checks the request. */
  readonly pages?: PagesContract;
  readonly produces?:
    | "text/html"
    | "text/event-stream"
    | "application/pdf"
    | "application/xml"
    | "application/jsonl"
    | "text/csv"
    | "image/svg+xml"
    | "image/webp";
  /** Codes that the action may answer with, for the docs (validation, auth and rate limit are implied). */
  readonly errors?: readonly ErrorCode[];
  /** Additional members of the problem documents of single codes, for the docs. */
  readonly problems?: Readonly<Partial<Record<ErrorCode, z.ZodObject>>>;
  /** What an event stream sends, for an action that produces one. The action itself only checks the request. */
  readonly stream?: StreamContract;
  /** It takes a password or what stands for one: it is limited for each address and account, so that nobody guesses. */
  readonly credentials?: true;
  /** A public read whose reply is the same for everybody, so that shared caches may keep it. */
  readonly shared?: true;
  /** What was answered once will never change, so caches need not ask again. */
  readonly immutable?: true;
  /** Why a POST that takes no `Idempotency-Key` does no harm when it is repeated. */
  readonly repeatable?: string;
  readonly deprecated?: boolean;
}

export interface PagesContract {
  /**
   * Action of the same service that resolves to `{ text, next }`, a part of the reply and the parameter `next` of the
   * following one; null on the last one. It takes the parameters of the route, too, and only reads.
   */
  readonly action: string;
  /** What a browser saves the reply as. */
  readonly fileName: string;
  /** Further parameters of that action, where it serves several routes. */
  readonly given?: Readonly<Record<string, unknown>>;
}

export interface StreamContract {
  /**
   * Action of the same service that resolves to the thing as soon as its `version` is above the parameter `after`, or to
   * null after `waitMs`. It takes the parameters of the stream, too.
   */
  readonly next: string;
  /** Name of the events. */
  readonly event: string;
  /** Whether the thing will not change any more, so that the stream ends. */
  ends?(thing: object): boolean;
  /** It begins after the version that the action gives. Otherwise it begins with the thing as it is. */
  readonly fromNow?: boolean;
}

/**
 * - `command` asks one receiver to do something and must be routable.
 * - `reply` answers a command.
 * - `event` says what happened. Any number of receivers may listen, also ones that this process does not know.
 * - `timer` is an actor's message to itself. It is private, never published, and in no public document.
 */
export type MessageKind = "command" | "reply" | "event" | "timer";

export interface MessageContract<
  D extends z.ZodType = z.ZodType,
  K extends MessageKind = MessageKind,
  S extends string = string,
> {
  readonly summary: string;
  readonly kind: K;
  /** What the envelope's `subject` identifies, for example `"order"`. */
  readonly subject: S;
  readonly data: D;
  /** Names in earlier releases. Messages that are in transit or stored under them still arrive. */
  readonly formerly?: readonly string[];
}

/** What a contract declares of an actor type: each message stands in one list. Timers are not listed, see {@link ActorContract}. */
export interface ActorDeclaration<N extends string = string> {
  /** Messages that its mailboxes are bound to. */
  readonly receives: readonly N[];
  /** Messages of the same contract that only actions apply to it. */
  readonly inline?: readonly N[];
  /** Fixed at creation; {@link DEFAULT_PARTITIONS} unless told. */
  readonly partitions?: number;
  /** Of its documents; the actor's type unless told. */
  readonly collection?: string;
}

/** An actor type with all that it takes. */
export interface ActorContract extends ActorDeclaration {
  /** Messages to itself: the contract's messages of kind `timer` whose subject is the actor. */
  readonly timers?: readonly string[];
}

/** A group of competing consumers and the messages their shared queue is bound to. */
export interface WorkerContract<N extends string = string> {
  readonly receives: readonly N[];
}

/** A queue of the service that gets a copy of every message. */
export interface TapContract {
  /** How much of it, by the environment's variables. All nodes of a shop must agree. */
  receives(variables: Readonly<NodeJS.ProcessEnv>): "all" | "events" | "off";
}

export interface ServiceContract {
  readonly service: string;
  /** One line for the docs. */
  readonly description?: string;
  readonly actions: Readonly<Record<string, ActionContract>>;
  readonly messages: Readonly<Record<string, MessageContract>>;
  readonly actors: Readonly<Record<string, ActorContract>>;
  readonly workers: Readonly<Record<string, WorkerContract>>;
  readonly taps?: Readonly<Record<string, TapContract>>;
  /** Error codes of the domain. */
  readonly errors?: ErrorEntries;
  /** Environment variables of the domain. */
  readonly config?: Variables;
}

export const DEFAULT_PARTITIONS = 16;

const registry = new Map<string, ServiceContract>();
let loaded: readonly ServiceContract[] = [];
/** All messages of the registry, because every message that is sent or received is looked up. */
const registered = new Map<string, MessageContract>();
/** Present names of message types by the former ones. */
const renamed = new Map<string, string>();

/** Timers of an actor among these messages. */
type TimersOf<M, A extends string> = {
  [N in keyof M & string]: M[N] extends MessageContract<z.ZodType, "timer", A> ? N : never;
}[keyof M & string];

type CompleteActors<M, T> = {
  readonly [A in keyof T & string]: T[A] & { readonly timers: readonly TimersOf<M, A>[] };
};

/**
 * Declares a service's contract and enters it in the process's registry.
 * Its file also augments {@link Actions} and {@link Messages}, so that `call` and `send` are typed everywhere.
 * @throws when a route lacks `auth` or its scope, a name is taken, or an actor's lists are not right
 */
export function defineContract<
  const S extends string,
  const A extends Record<string, ActionContract>,
  const M extends Record<string, MessageContract>,
  const T extends Record<string, ActorDeclaration<MessageType | (keyof M & string)>> = Record<never, never>,
  const W extends Record<string, WorkerContract<MessageType | (keyof M & string)>> = Record<never, never>,
>(contract: {
  service: S;
  description?: string;
  actions: A;
  messages: M;
  actors?: T;
  workers?: W;
  taps?: Readonly<Record<string, TapContract>>;
  errors?: ErrorEntries;
  config?: Variables;
}) {
  const complete = {
    ...contract,
    actors: withTimers(contract.messages, contract.actors ?? {}) as CompleteActors<M, T>,
    workers: contract.workers ?? ({} as W),
  };
  for (const [name, action] of Object.entries(contract.actions)) {
    if (action.rest && !action.auth)
      throw new Error(`${contract.service}.${name} has a route but does not declare who may call it (auth)`);
    if (action.scope && action.auth !== "staff")
      throw new Error(`${contract.service}.${name} declares a scope, and only routes of staff have one`);
    if (action.rest && action.auth === "staff" && !action.scope)
      throw new Error(`${contract.service}.${name} is for staff but does not declare which scope they need`);
    if (action.alsoScope && !action.scope)
      throw new Error(`${contract.service}.${name} declares a second scope without a first one`);
    if (action.widerScope && action.auth !== "customer" && action.auth !== "public")
      throw new Error(`${contract.service}.${name} declares a wider scope, and its route is for staff alone`);
  }
  for (const [name, { rest, readOnly }] of Object.entries(contract.actions))
    if (rest?.startsWith("GET ") && readOnly === false)
      throw new Error(`${contract.service}.${name} is a GET route, and those only read`);
  for (const [name, { rest, auth, produces, stream, shared }] of Object.entries(contract.actions)) {
    if ((produces === "text/event-stream") !== (stream !== undefined))
      throw new Error(
        `${contract.service}.${name} must have both, an event stream and what it sends, or none`,
      );
    if (stream && !contract.actions[stream.next])
      throw new Error(
        `${contract.service}.${name} streams what ${stream.next} gives, and that is no action of it`,
      );
    if (shared && !(auth === "public" && rest?.startsWith("GET ")))
      throw new Error(`${contract.service}.${name} is shared, but no public GET route`);
  }
  for (const [actor, lists] of Object.entries(complete.actors as ServiceContract["actors"]))
    checkActor(`${contract.service}: the actor ${actor}`, lists, contract.messages);
  if (registry.has(contract.service)) throw new Error(`contract ${contract.service} is defined twice`);
  for (const other of loaded)
    for (const type of Object.keys(contract.messages))
      if (type in other.messages) throw new Error(`message ${type} is defined by ${other.service} already`);
  registry.set(contract.service, complete);
  loaded = [...registry.values()];
  for (const [type, it] of Object.entries(contract.messages)) register(type, it);
  return complete;
}

function register(type: string, message: MessageContract): void {
  registered.set(type, message);
  for (const former of message.formerly ?? []) if (!renamed.has(former)) renamed.set(former, type);
}

function withTimers(
  messages: ServiceContract["messages"],
  actors: Readonly<Record<string, ActorDeclaration>>,
): ServiceContract["actors"] {
  const timersOf = (actor: string) =>
    Object.entries(messages).flatMap(([type, { kind, subject }]) =>
      kind === "timer" && subject === actor ? [type] : [],
    );
  return Object.fromEntries(
    Object.entries(actors).map(([name, it]) => [name, { ...it, timers: timersOf(name) }]),
  );
}

function checkActor(
  who: string,
  { receives, inline = [] }: ActorContract,
  messages: ServiceContract["messages"],
): void {
  const listed = new Set<string>();
  for (const type of [...receives, ...inline]) {
    if (messages[type]?.kind === "timer")
      throw new Error(`${who} lists ${type}, a timer; an actor gets its timers without being told`);
    if (listed.has(type))
      throw new Error(`${who} lists ${type} twice; a message is either received or applied inline`);
    listed.add(type);
  }
  for (const type of inline)
    if (!messages[type])
      throw new Error(`${who} lists ${type} as inline, which is no message of this contract`);
}

export function action<P extends z.ZodType, R extends z.ZodType>(contract: ActionContract<P, R>) {
  return contract;
}

/** Whether another node may be asked when the action's node does not answer. */
export const isReadOnly = ({ rest, readOnly = rest?.startsWith("GET ") ?? false }: ActionContract): boolean =>
  readOnly;

function message<const K extends MessageKind>(kind: K) {
  return <const S extends string, D extends z.ZodType>(
    subject: S,
    summary: string,
    data: D,
    options: Pick<MessageContract, "formerly"> = {},
  ): MessageContract<D, K, S> => ({ kind, subject, summary, data, ...options });
}
export const command = message("command");
export const reply = message("reply");
export const event = message("event");
export const timer = message("timer");

/** Whether it was made by {@link defineContract}. */
export const isContract = (it: unknown): it is ServiceContract => loaded.some((known) => known === it);

/** The contracts that this process has loaded. The same list until another one is loaded. */
export const knownContracts = (): readonly ServiceContract[] => loaded;

/** The present name of a message type. It differs only for a type that was renamed since an earlier release. */
export const presentType = (type: string): string => renamed.get(type) ?? type;

/** The names of these message types in earlier releases. */
export const formerTypes = (types: readonly string[]): string[] =>
  types.flatMap((type) => registered.get(type)?.formerly ?? []);

/** The contract of a message type. @throws when no loaded contract declares it. */
export function messageContract(type: string): MessageContract {
  const found = registered.get(type);
  if (!found) throw new Error(`no loaded contract declares the message ${type}`);
  return found;
}

/** The kind of a message type, also of a former name. Undefined where no loaded contract declares it. */
export const kindOf = (type: string): MessageKind | undefined => registered.get(presentType(type))?.kind;

/** The types of all events that these contracts declare. */
export const eventTypes = (contracts: readonly ServiceContract[]): string[] =>
  contracts.flatMap(({ messages }) =>
    Object.entries(messages).flatMap(([type, { kind }]) => (kind === "event" ? [type] : [])),
  );

/** The service of an action, by its full name. */
export const serviceOf = (action: string): string => action.slice(0, action.indexOf("."));

/** The contract of an action, by its full name. */
export function actionContract(name: string): ActionContract | undefined {
  const service = serviceOf(name);
  return registry.get(service)?.actions[name.slice(service.length + 1)];
}

// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging in each *.contract.ts
export interface Actions {}
// biome-ignore lint/suspicious/noEmptyInterface: filled by declaration merging in each *.contract.ts
export interface Messages {}

export type ActionsOf<C extends ServiceContract> = {
  [K in keyof C["actions"] & string as `${C["service"]}.${K}`]: C["actions"][K];
};
/** For {@link Messages}; of a contract's messages, which stand in a constant of their own so that its lists may name them. */
export type MessagesOf<M extends Readonly<Record<string, MessageContract>>> = M;

/** All messages that an actor of a contract takes: from its mailboxes, inline and by its timers. */
export type ReceivedBy<C extends ServiceContract, A extends keyof C["actors"] & string> = Extract<
  | C["actors"][A]["receives"][number]
  | (C["actors"][A] extends { readonly inline: readonly (infer I)[] } ? I : never)
  | (C["actors"][A] extends { readonly timers: readonly (infer I)[] } ? I : never),
  MessageType
>;

export type ActionName = keyof Actions & string;
export type MessageType = keyof Messages & string;
export type ParamsIn<N extends ActionName> =
  Actions[N] extends ActionContract<infer P, z.ZodType> ? z.input<P> : never;
export type Returned<N extends ActionName> =
  Actions[N] extends ActionContract<z.ZodType, infer R> ? z.output<R> : never;
export type DataIn<T extends MessageType> = Messages[T] extends MessageContract<infer D> ? z.input<D> : never;
export type DataOut<T extends MessageType> =
  Messages[T] extends MessageContract<infer D> ? z.output<D> : never;
