/** Sessions: a login starts one, single-use refresh tokens continue it, a logout or new password ends it. */
import { randomBytes } from "node:crypto";
import { type Model, trusted } from "mongoose";
import type { z } from "zod";
import type { CallMeta } from "../../../broker/contract/call-meta.ts";
import type { Scope } from "../../../broker/contract/contract.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { sameSecret } from "../../../broker/contract/secrets/same-secret.ts";
import { signAccessToken } from "../../../broker/http/access/access-token.ts";
import type { Config } from "../../../broker/moleculer/config.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Log } from "../../../broker/resilience/log.ts";
import type { Account } from "../models/account.model.ts";
import { lastUse, type Session } from "../models/session.model.ts";
import type { Rights } from "../roles/scopes.ts";
import { withHeldRoles } from "../roles/staff-rights.ts";
import type { Role, tokens } from "../users.contract.ts";
import { userViewOf } from "../views.ts";
import {
  formatRefreshToken,
  hashToken,
  newSecret,
  newVerifier,
  parseRefreshToken,
  type RefreshToken,
  successor,
} from "./refresh-token.ts";
import type { SigningKeys } from "./signing-keys.ts";

export type Tokens = z.input<typeof tokens>;

/** For this time, a client that lost the answer to a refresh may repeat it, and gets the same successor. */
export const GRACE_MS = 10_000;
/** Beyond this number, the oldest end. */
export const MAX_SESSIONS = 100;
/** A session that is unused for this share of its lifetime ends. */
const IDLE_SHARE = 0.5;

export interface Sessions {
  start(account: Account, seen?: ClientInfo): Promise<Tokens>;
  /** @throws {SoukError} INVALID_TOKEN; a token that was used before also ends the session */
  refresh(token: string, seen?: ClientInfo): Promise<Tokens>;
  /** Ends the token's session. Does nothing for an invalid token. */
  end(token: string): Promise<void>;
  /** Ends all sessions of the user except the named one. */
  endOthers(userId: string, kept?: string): Promise<void>;
  /** @throws {SoukError} NOT_FOUND when the user has no such session */
  endOne(userId: string, id: string): Promise<void>;
  /** The user's sessions that have not ended, the last used first. */
  list(userId: string): Promise<Session[]>;
  /** What a user may do has changed: gateways ask again. */
  changed(userId: string): void;
  /** Those of the sessions that have not ended. */
  live(ids: readonly string[]): Promise<LiveSession[]>;
}

/** Device and address of a request. */
export type ClientInfo = Pick<CallMeta, "clientIp" | "userAgent">;

export interface LiveSession {
  id: string;
  userId: string;
  roles: Role[];
  /** What the user may do as staff. */
  scopes?: Scope[];
}

export interface SessionsOptions {
  sessions: Model<Session>;
  accounts: Model<Account>;
  keys: SigningKeys;
  config: Pick<Config, "ACCESS_TOKEN_TTL" | "REFRESH_TOKEN_TTL" | "STAFF_MFA">;
  clock: Clock;
  log: Log;
  /** What these accounts may do as staff. */
  scopesOf(accounts: readonly Standing[]): Promise<ReadonlyMap<string, readonly Scope[]>>;
  /** Tells gateways that a session, or all sessions of a user, have changed. */
  changed(sessionOrUser: string): void;
}

type Standing = Rights &
  Pick<Account, "_id" | "totp" | "credentialVersion" | "keptSession" | "blocked" | "invited">;

/**
 * Whether it belongs to the account's present credentials, or made their last change, and the account may be used.
 */
const isValid = (
  { _id, credentialVersion }: Pick<Session, "_id" | "credentialVersion">,
  account: Standing,
): boolean =>
  (credentialVersion === account.credentialVersion || _id === account.keptSession) &&
  !account.blocked &&
  !account.invited;

const seenIn = ({ clientIp, userAgent }: ClientInfo) => ({
  ...(clientIp === undefined ? {} : { ip: clientIp }),
  ...(userAgent === undefined ? {} : { userAgent }),
});

export function createSessions({
  sessions,
  accounts,
  keys,
  config,
  clock,
  log,
  scopesOf,
  changed,
}: SessionsOptions): Sessions {
  const expiry = (endsAt: number) =>
    new Date(Math.min(endsAt, clock.now() + config.REFRESH_TOKEN_TTL * IDLE_SHARE));

  async function answer(account: Account, refreshToken: RefreshToken): Promise<Tokens> {
    const { roles } = withHeldRoles(account, config.STAFF_MFA);
    const { key, kid } = await keys.signer();
    const expiresIn = Math.floor(config.ACCESS_TOKEN_TTL / 1_000);
    const claims = { sub: account._id, sid: refreshToken.sessionId, roles };
    return {
      user: userViewOf(account, config.STAFF_MFA),
      accessToken: await signAccessToken(key, kid, claims, expiresIn, clock),
      refreshToken: formatRefreshToken(refreshToken),
      expiresIn,
    };
  }

  /** The token's session, whether or not the token may still be used. */
  async function find(token: RefreshToken | undefined): Promise<Session | undefined> {
    if (!token) return undefined;
    const session = await sessions.findById(token.sessionId).lean<Session>();
    return session && sameSecret(session.verifierHash, hashToken(token.verifier)) ? session : undefined;
  }

  /**
   * Decides on one reading of the session.
   * @returns the next token; "again" when another refresh came in between; undefined for a used token
   */
  async function rotate(
    session: Session,
    token: RefreshToken,
    seen: ClientInfo,
  ): Promise<RefreshToken | "again" | undefined> {
    const presented = hashToken(token.secret);
    const now = clock.now();
    if (sameSecret(session.current, presented)) {
      const salt = randomBytes(16).toString("base64url");
      const secret = successor(token.secret, salt);
      const { matchedCount } = await sessions.updateOne(
        { _id: session._id, current: presented },
        {
          $set: {
            current: hashToken(secret),
            previous: presented,
            salt,
            rotatedAt: new Date(now),
            ...seenIn(seen),
            expiresAt: expiry(session.endsAt.getTime()),
          },
        },
      );
      return matchedCount === 1 ? { ...token, secret } : "again";
    }
    const { previous, salt, rotatedAt } = session;
    if (!previous || !salt || !rotatedAt || !sameSecret(previous, presented)) return undefined;
    if (now - rotatedAt.getTime() > GRACE_MS) return undefined;
    return { ...token, secret: successor(token.secret, salt) };
  }

  /** Ids grow with time, so they order sessions by their start. */
  async function endSurplus(userId: string): Promise<void> {
    const surplus = await sessions
      .find({ userId }, { _id: 1 })
      .sort({ _id: -1 })
      .skip(MAX_SESSIONS)
      .limit(MAX_SESSIONS)
      .lean<Pick<Session, "_id">[]>();
    if (surplus.length === 0) return;
    await sessions.deleteMany({ _id: trusted({ $in: surplus.map((it) => it._id) }) });
    for (const it of surplus) changed(it._id);
  }

  async function remove({ _id }: Session): Promise<void> {
    await sessions.deleteOne({ _id });
    changed(_id);
  }

  async function endForReuse(session: Session): Promise<void> {
    await remove(session);
    log.warn("a used-up refresh token was presented; its session was ended", {
      session: session._id,
      userId: session.userId,
    });
  }

  return {
    changed,

    async start(account, seen = {}) {
      const token = { sessionId: newId(), verifier: newVerifier(), secret: newSecret() };
      const now = clock.now();
      const endsAt = now + config.REFRESH_TOKEN_TTL;
      await sessions.create({
        _id: token.sessionId,
        userId: account._id,
        verifierHash: hashToken(token.verifier),
        current: hashToken(token.secret),
        credentialVersion: account.credentialVersion,
        ...seenIn(seen),
        createdAt: new Date(now),
        endsAt: new Date(endsAt),
        expiresAt: expiry(endsAt),
      });
      await endSurplus(account._id);
      return answer(account, token);
    },

    async refresh(text, seen = {}) {
      const token = parseRefreshToken(text);
      for (;;) {
        const session = await find(token);
        if (!token || !session || session.expiresAt.getTime() <= clock.now())
          throw new SoukError("INVALID_TOKEN");
        const account = await accounts.findById(session.userId).lean<Account>();
        if (!account || !isValid(session, account)) throw new SoukError("INVALID_TOKEN");
        const next = await rotate(session, token, seen);
        if (next === "again") continue;
        if (next) return answer(account, next);
        await endForReuse(session);
        throw new SoukError("INVALID_TOKEN");
      }
    },

    async end(text) {
      const session = await find(parseRefreshToken(text));
      if (session) await remove(session);
    },

    async endOthers(userId, kept) {
      await sessions.deleteMany({ userId, ...(kept === undefined ? {} : { _id: trusted({ $ne: kept }) }) });
      changed(userId);
    },

    async endOne(userId, id) {
      const { deletedCount } = await sessions.deleteOne({ _id: id, userId });
      if (deletedCount === 0) throw new SoukError("NOT_FOUND");
      changed(id);
    },

    async list(userId) {
      const [account, found] = await Promise.all([
        accounts.findById(userId).lean<Account>(),
        sessions
          .find({ userId, expiresAt: trusted({ $gt: new Date(clock.now()) }) })
          .limit(2 * MAX_SESSIONS)
          .lean<Session[]>(),
      ]);
      if (!account) throw new SoukError("UNAUTHENTICATED");
      return found
        .filter((it) => isValid(it, account))
        .sort((a, b) => lastUse(b).getTime() - lastUse(a).getTime())
        .slice(0, MAX_SESSIONS);
    },

    async live(ids) {
      const found = await sessions
        .find(
          { _id: trusted({ $in: [...ids] }), expiresAt: trusted({ $gt: new Date(clock.now()) }) },
          { userId: 1, credentialVersion: 1 },
        )
        .lean<Pick<Session, "_id" | "userId" | "credentialVersion">[]>();
      const userIds = [...new Set(found.map((it) => it.userId))];
      const users = await accounts
        .find(
          { _id: trusted({ $in: userIds }) },
          {
            roles: 1,
            staffRoles: 1,
            scopes: 1,
            credentialVersion: 1,
            keptSession: 1,
            blocked: 1,
            "totp.lastStep": 1,
            invited: 1,
          },
        )
        .lean<Standing[]>();
      const scopes = await scopesOf(users);
      const byId = new Map(users.map((it) => [it._id, it]));
      return found.flatMap((it): LiveSession[] => {
        const account = byId.get(it.userId);
        if (!account || !isValid(it, account)) return [];
        const { roles } = withHeldRoles(account, config.STAFF_MFA);
        const staff = roles.includes("staff") ? { scopes: [...(scopes.get(account._id) ?? [])] } : {};
        return [{ id: it._id, userId: it.userId, roles, ...staff }];
      });
    },
  };
}
