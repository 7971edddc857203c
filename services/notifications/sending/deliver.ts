/**
 * Worker: makes one attempt to send a notification, and reports how it ended. A repeated message finds the report, and
 * sends nothing. Between the receiver's answer and the commit of the report, a crash makes the attempt happen twice:
 * then with the same id, so that a receiver that drops repeats sees one.
 */
import type { ActorHost, Snapshot } from "../../../broker/actor/runtime/document/actor-host.types.ts";
import type { DataOut } from "../../../broker/contract/contract.ts";
import type { Message } from "../../../broker/contract/envelope.ts";
import { redact } from "../../../broker/contract/secrets/redact.ts";
import { inTime } from "../../../broker/resilience/deadline.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";
import { compose, type Shop } from "../letters/compose.ts";
import type { NotificationMessage } from "../notification/notification.actor.ts";
import type { NotificationState } from "../notification/state.ts";
import type { NotificationChannel, NotificationKind } from "../notifications.schemas.ts";
import { isOptional } from "../preferences/optional-kinds.ts";
import { makeToken } from "../preferences/unsubscribe-tokens.ts";
import { type Channel, type Outgoing, Refused } from "./channel.ts";
import { type PrepareTools, prepare } from "./prepare.ts";
import type { Slots } from "./slots.ts";

export interface Sender extends PrepareTools {
  readonly notifications: ActorHost<NotificationState, NotificationMessage>;
  readonly channels: Readonly<Record<NotificationChannel, Channel>>;
  /** Whether the user wants to be told things of this kind by this channel. */
  wants(userId: string | null, kind: NotificationKind, channel: NotificationChannel): Promise<boolean>;
  /** Signs the links that end mails of a kind. */
  unsubscribeKey(): Promise<string>;
  readonly slots: Slots;
  readonly shop: Shop;
  readonly locale: string;
  readonly log: Log;
}

/** Less than a worker's time-out, so that an attempt that hangs is reported. */
const ATTEMPT_MS = 45_000;
const MAX_DETAIL = 500;

type Report = Omit<DataOut<"notification.report">, "attempt">;

export async function deliver(
  sender: Sender,
  { subject: id, data: { attempt } }: Message<"notification.send">,
): Promise<void> {
  const { notifications, slots } = sender;
  const found = await notifications.read(id);
  if (!found || !isWanted(found.state, attempt)) return;
  const free = await slots.take();
  try {
    const report = free ? await attemptOf(sender, found, attempt) : busy;
    if (report) await notifications.apply(id, "notification.report", { attempt, ...report });
  } finally {
    free?.();
  }
}

const busy: Report = { outcome: "busy", to: null, detail: null };

/** The next attempt, or one that a crash has cut off. */
const isWanted = ({ status, attempts }: NotificationState, attempt: number): boolean =>
  (status === "queued" && attempt === attempts + 1) || (status === "sending" && attempt === attempts);

/** @returns undefined where the notification has gone on meanwhile */
async function attemptOf(
  sender: Sender,
  { id, state }: Snapshot<NotificationState>,
  attempt: number,
): Promise<Report | undefined> {
  const channel = sender.channels[state.channel];
  const suppressed = (detail: string): Report => ({ outcome: "suppressed", to: null, detail });
  if (channel.off !== null) return suppressed(channel.off);
  let to: string | null = null;
  try {
    const prepared = await prepare(sender, state);
    if ("suppressed" in prepared) return suppressed(prepared.suppressed);
    to = await channel.addressOf(prepared.addressee);
    if (to === null) return suppressed("the recipient has no address for it");
    const { userId } = prepared.addressee;
    if (!(await sender.wants(userId, state.kind, state.channel)))
      return suppressed("the recipient does not want it");
    const unsubscribeUrl = await unsubscribeUrlOf(sender, userId, state.kind);
    const letter = compose({ ...prepared.facts, unsubscribeUrl }, sender.locale, sender.shop);
    const outgoing: Outgoing = { id, state, addressee: prepared.addressee, letter, unsubscribeUrl };
    if (!channel.recognisesRepeats) {
      const begun = await sender.notifications.apply(id, "notification.begin", { attempt });
      if (!isWanted(begun.state, attempt)) return undefined;
    }
    const late = () => new Error("there was no answer in time");
    const said = await inTime(ATTEMPT_MS, channel.send(outgoing), late);
    return { outcome: "sent", to, detail: shortened(said) };
  } catch (error) {
    return failureOf(sender, error, state, to);
  }
}

/** Null where mails of this kind can't be switched off, and for guests. */
async function unsubscribeUrlOf(
  { publicUrl, unsubscribeKey }: Sender,
  userId: string | null,
  kind: NotificationKind,
): Promise<string | null> {
  if (userId === null || !isOptional(kind)) return null;
  return `${publicUrl}/account/unsubscribe?token=${makeToken(await unsubscribeKey(), userId, kind)}`;
}

function failureOf(
  { log }: Sender,
  error: unknown,
  { channel }: NotificationState,
  to: string | null,
): Report {
  const detail = shortened(error instanceof Error ? error.message : String(error));
  if (error instanceof Refused) return { outcome: "failed", to, detail };
  rateLimitedLog(log).warn(`notification ${channel}`, `a notification could not be sent by ${channel}`, {
    reason: detail,
  });
  return { outcome: "retry", to, detail };
}

const shortened = (text: string): string => redact(text).toWellFormed().slice(0, MAX_DETAIL);
