/**
 * Tickets for event streams. A browser's EventSource sends no headers, so it gets in with a secret in the address: good
 * for one connection to one order, for a short time.
 */
import { randomBytes } from "node:crypto";
import type { Connection } from "mongoose";
import type { CallMeta } from "../../broker/contract/call-meta.ts";
import type { Clock } from "../../broker/resilience/clock.ts";
import { tokenHash } from "./order-token.ts";

export const TICKETS = "tickets";
const TICKET_MS = 60_000;

interface Ticket {
  /** Hash of the secret. */
  _id: string;
  orderId: string;
  /** The session that it was made in. Null for a guest's. */
  session: string | null;
  expiresAt: Date;
}

export interface Tickets {
  issue(orderId: string, meta: CallMeta): Promise<{ ticket: string; expiresAt: string }>;
  /** @returns the session that it was made in; undefined for a ticket that is not good (any more) */
  redeem(ticket: string, orderId: string): Promise<{ session: string | null } | undefined>;
}

export function createTickets(database: Connection, clock: Clock): Tickets {
  const tickets = database.collection<Ticket>(TICKETS);
  return {
    async issue(orderId, { user }) {
      const ticket = randomBytes(32).toString("base64url");
      const expiresAt = new Date(clock.now() + TICKET_MS);
      await tickets.insertOne({
        _id: tokenHash(ticket),
        orderId,
        session: user?.session ?? null,
        expiresAt,
      });
      return { ticket, expiresAt: expiresAt.toISOString() };
    },

    async redeem(ticket, orderId) {
      const found = await tickets.findOneAndDelete({ _id: tokenHash(ticket) });
      if (!found || found.orderId !== orderId || found.expiresAt.getTime() <= clock.now()) return undefined;
      return { session: found.session };
    },
  };
}
