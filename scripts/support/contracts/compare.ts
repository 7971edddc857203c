/**
 * Compares the contracts of a release with later ones. It finds what would break a node, a client or a stored state
 * of that release.
 */
import { schemaBreaks } from "./compare-schemas.ts";
import type { ActionSnapshot, Shape, Snapshot } from "./snapshot.ts";

/** From the weakest requirement to the strongest. */
const AUDIENCES = ["public", "customer", "staff", "admin"];

/** @returns what breaks, one line each: what, where, how */
export function contractBreaks(before: Snapshot, after: Snapshot): string[] {
  return [
    ...each("message", before.messages, underFormerNames(after.messages), (was, is) => [
      ...changed("kind", was.kind, is.kind),
      ...changed("subject", was.subject, is.subject),
      ...shapeBreaks(was.data, is.data),
    ]),
    ...each("action", before.actions, after.actions, actionBreaks),
    ...each("receiver", before.receivers, after.receivers, (was, is) => [
      ...changed("partitions", was.partitions, is.partitions),
      ...was.receives
        .filter((type) => !is.receives.includes(presentName(after, type)))
        .map((type) => `no longer receives ${type}`),
    ]),
    ...each("state", before.states, after.states, shapeBreaks),
  ];
}

type Messages = Snapshot["messages"];

/** A renamed message still accepts what is sent under its former name. */
function underFormerNames(messages: Messages): Messages {
  const former = Object.values(messages).flatMap((it) =>
    (it.formerly ?? []).map((type) => [type, it] as const),
  );
  return { ...messages, ...Object.fromEntries(former) };
}

const presentName = ({ messages }: Snapshot, type: string): string =>
  Object.entries(messages).find(([, it]) => it.formerly?.includes(type))?.[0] ?? type;

function each<T>(
  what: string,
  before: Readonly<Record<string, T>>,
  after: Readonly<Record<string, T>>,
  compare: (was: T, is: T) => string[],
): string[] {
  return Object.entries(before).flatMap(([name, was]) => {
    const is = after[name];
    const problems = is === undefined ? ["is gone"] : [...new Set(compare(was, is))];
    return problems.map((problem) => `${what} ${name}: ${problem}`);
  });
}

/** Messages and states need both directions: new nodes read old ones, and old nodes read new ones. */
const shapeBreaks = (was: Shape, is: Shape): string[] => [
  ...schemaBreaks(was.taken, is.taken, "taken"),
  ...schemaBreaks(was.taken, is.sent ?? is.taken, "sent"),
];

function actionBreaks(was: ActionSnapshot, is: ActionSnapshot): string[] {
  const stricter =
    was.rest !== undefined && AUDIENCES.indexOf(is.auth ?? "") > AUDIENCES.indexOf(was.auth ?? "");
  return [
    ...(was.rest === undefined ? [] : changed("route", was.rest, is.rest)),
    ...(stricter ? [`was for ${was.auth}, is for ${is.auth}`] : []),
    ...changed("status", was.status, is.status),
    ...changed("body", was.body, is.body),
    ...changed("media type", was.produces, is.produces),
    ...(is.idempotent === "required" && was.idempotent !== "required"
      ? ["needs an Idempotency-Key now"]
      : []),
    ...schemaBreaks(was.params, is.params, "taken").map((it) => `params ${it}`),
    ...schemaBreaks(was.returns, is.returns, "sent").map((it) => `returns ${it}`),
  ];
}

const changed = (what: string, was: unknown, is: unknown): string[] =>
  was === is ? [] : [`${what} was ${was ?? "none"}, is ${is ?? "none"}`];
