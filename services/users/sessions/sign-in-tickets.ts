/** Tickets between two steps of a sign-in. Only hashes are stored. */
import { randomBytes } from "node:crypto";
import { type Model, trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import type { Account } from "../models/account.model.ts";
import type { Ticket, TicketKind } from "../models/ticket.model.ts";
import { hashToken } from "./refresh-token.ts";

export const TICKET_TTL_MS = 5 * 60_000;
/** Wrong codes for one ticket. */
export const MAX_TRIES = 5;

export interface Tickets {
  /** @param challenge hash of what whoever redeems it must have, too */
  issue(kind: TicketKind, account: Account, challenge?: string): Promise<string>;
  /**
   * The account of a ticket, which counts as tried.
   * @throws {SoukError} INVALID_TOKEN, also for an account that was blocked or has other credentials since
   */
  look(kind: TicketKind, ticket: string): Promise<Account>;
  /** Uses it up. @throws {SoukError} INVALID_TOKEN when it was used meanwhile, or has expired */
  redeem(kind: TicketKind, ticket: string, verifier?: string): Promise<Account>;
}

export function createTickets(tickets: Model<Ticket>, accounts: Model<Account>, clock: Clock): Tickets {
  const good = (kind: TicketKind, ticket: string) => ({
    _id: hashToken(ticket),
    kind,
    expiresAt: trusted({ $gt: new Date(clock.now()) }),
  });

  async function accountOf(ticket: Ticket | null): Promise<Account> {
    const account = ticket && (await accounts.findById(ticket.userId).lean<Account>());
    if (!account || account.blocked || account.credentialVersion !== ticket.credentialVersion)
      throw new SoukError("INVALID_TOKEN");
    return account;
  }

  return {
    async issue(kind, { _id, credentialVersion }, challenge) {
      const ticket = randomBytes(32).toString("base64url");
      await tickets.create({
        _id: hashToken(ticket),
        kind,
        userId: _id,
        credentialVersion,
        tries: 0,
        ...(challenge === undefined ? {} : { boundTo: challenge }),
        expiresAt: new Date(clock.now() + TICKET_TTL_MS),
      });
      return ticket;
    },
    async look(kind, ticket) {
      return accountOf(
        await tickets
          .findOneAndUpdate(
            { ...good(kind, ticket), tries: trusted({ $lt: MAX_TRIES }) },
            { $inc: { tries: 1 } },
          )
          .lean<Ticket>(),
      );
    },
    async redeem(kind, ticket, verifier) {
      const bound = verifier === undefined ? trusted({ $exists: false }) : hashToken(verifier);
      return accountOf(
        await tickets.findOneAndDelete({ ...good(kind, ticket), boundTo: bound }).lean<Ticket>(),
      );
    },
  };
}
