/** API keys: made by members of staff for machines, listed, revoked and checked. */
import { type Model, trusted } from "mongoose";
import type { z } from "zod";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { redactedReason } from "../../../broker/contract/secrets/redact.ts";
import { sameSecret } from "../../../broker/contract/secrets/same-secret.ts";
import { type KeyProof, makeApiKey } from "../../../broker/http/access/api-key.ts";
import type { LiveKey } from "../../../broker/http/access/live-keys.ts";
import { beforeId, pageOf } from "../../../broker/mongo/page-cursor.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import { rateLimitedLog } from "../../../broker/resilience/rate-limited-log.ts";
import type { apiKeyActions, apiKeyView, newApiKeyView } from "../contract/api-key.actions.ts";
import type { Account } from "../models/account.model.ts";
import { type Actor, requireAll, requireKnown, requirePerson } from "../roles/grant.ts";
import type { Roles } from "../roles/roles.ts";
import type { ApiKey } from "./api-key.model.ts";

export interface ApiKeyTools {
  apiKeys: Model<ApiKey>;
  accounts: Model<Account>;
  roles: Roles;
  clock: Clock;
  log: Log;
  changed(subject: string): void;
}

export const MAX_KEYS = 100;
const DAY_MS = 86_400_000;
/** The last use is written at most once in this time. */
const USE_MS = 60_000;

/** @throws {SoukError} FORBIDDEN for scopes that the actor has not, and to keys; CONFLICT for one key too many */
export async function createApiKey(
  { apiKeys, roles, clock }: ApiKeyTools,
  actor: Actor,
  { name, scopes, expiresInDays }: z.output<typeof apiKeyActions.createApiKey.params>,
): Promise<z.input<typeof newApiKeyView>> {
  requirePerson(actor);
  requireKnown(scopes, roles.all);
  requireAll(actor, scopes);
  if ((await apiKeys.countDocuments({ createdBy: actor.id })) >= MAX_KEYS)
    throw new SoukError("CONFLICT", `A member of staff makes at most ${MAX_KEYS} keys.`);
  const id = newId();
  const { key, hash } = makeApiKey(id);
  const now = clock.now();
  const made: ApiKey = {
    _id: id,
    name,
    hash,
    scopes: [...new Set(scopes)].sort(),
    createdBy: actor.id,
    createdAt: new Date(now),
    expiresAt: new Date(now + expiresInDays * DAY_MS),
  };
  await apiKeys.create(made);
  return { ...viewOf(made), key };
}

export async function listApiKeys(
  { apiKeys }: ApiKeyTools,
  { limit, cursor }: z.output<typeof apiKeyActions.listApiKeys.params>,
) {
  const found = await apiKeys
    .find(beforeId(cursor, "api-keys"))
    .sort({ _id: -1 })
    .limit(limit + 1)
    .lean<ApiKey[]>();
  const { shown, nextCursor } = pageOf(found, limit, "api-keys", (it) => it._id);
  return { items: shown.map(viewOf), nextCursor };
}

/** @throws {SoukError} NOT_FOUND */
export async function revokeApiKey({ apiKeys, changed }: ApiKeyTools, id: string): Promise<void> {
  const { deletedCount } = await apiKeys.deleteOne({ _id: id });
  if (deletedCount === 0) throw new SoukError("NOT_FOUND", "There is no such key.");
  changed(id);
}

/** A key whose maker is blocked, or is no member of staff any more, is not live. */
export async function liveKeys(tools: ApiKeyTools, proofs: readonly KeyProof[]): Promise<LiveKey[]> {
  const { apiKeys, accounts, roles, clock } = tools;
  const found = await apiKeys
    .find({
      _id: trusted({ $in: proofs.map((it) => it.id) }),
      expiresAt: trusted({ $gt: new Date(clock.now()) }),
    })
    .lean<ApiKey[]>();
  const makers = await accounts
    .find({
      _id: trusted({ $in: [...new Set(found.map((it) => it.createdBy))] }),
      roles: "staff",
      blocked: trusted({ $ne: true }),
    })
    .lean<Account[]>();
  const mayDo = await roles.scopesOf(makers.filter((it) => it.invited === undefined));
  const byId = new Map(found.map((it) => [it._id, it]));
  const live = proofs.flatMap(({ id, hash }): LiveKey[] => {
    const key = byId.get(id);
    const makers = key && mayDo.get(key.createdBy);
    if (!key || !makers || !sameSecret(key.hash, hash)) return [];
    const scopes = key.scopes.filter((it) => makers.includes(it));
    return [{ id, hash, userId: key.createdBy, scopes, expiresAt: key.expiresAt.toISOString() }];
  });
  noteUse(tools, live);
  return live;
}

/** In the background: gateways wait for the answer, and the time of a use is for people. */
function noteUse({ apiKeys, clock, log }: ApiKeyTools, live: readonly LiveKey[]): void {
  if (live.length === 0) return;
  const now = clock.now();
  const unused = { lastUsedAt: trusted({ $exists: false }) };
  const usedBefore = { lastUsedAt: trusted({ $lt: new Date(now - USE_MS) }) };
  apiKeys
    .updateMany(
      { _id: trusted({ $in: live.map((it) => it.id) }), $or: [unused, usedBefore] },
      { $set: { lastUsedAt: new Date(now) } },
    )
    .catch((error: unknown) =>
      rateLimitedLog(log).warn("api-keys", "the use of API keys was not noted", {
        reason: redactedReason(error),
      }),
    );
}

const viewOf = (it: ApiKey): z.input<typeof apiKeyView> => ({
  id: it._id,
  name: it.name,
  scopes: [...it.scopes],
  createdBy: it.createdBy,
  createdAt: it.createdAt.toISOString(),
  expiresAt: it.expiresAt.toISOString(),
  lastUsedAt: it.lastUsedAt?.toISOString() ?? null,
});
