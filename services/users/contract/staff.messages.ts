/** What others are told of staff, and what gateways tell of them. */
import { z } from "zod";
import { event } from "../../../broker/contract/contract.ts";
import { email, id, time } from "../../../broker/contract/schemas.ts";

export const scope = z
  .templateLiteral([z.string().regex(/^[a-z][a-z-]{0,39}/), ":", z.enum(["read", "write"])])
  .meta({ description: "An area, and whether to read or to write there", examples: ["orders:write"] });

const actor = z
  .strictObject({
    kind: z
      .enum(["user", "key"])
      .meta({ id: "StaffActorKind", description: "A person, or a machine with an API key" }),
    id: id.meta({ description: "Id of the user or the key" }),
    userId: id.meta({ description: "The user, or the one who made the key" }),
    roles: z.array(z.string()).meta({ examples: [["customer", "staff"]] }),
  })
  .meta({ id: "StaffActor", description: "Who did something as staff" });

export const staffOutcome = z.enum(["succeeded", "refused", "failed", "unknown"]).meta({
  id: "StaffOutcome",
  description:
    "`refused` by a status of 400 to 499, `failed` by a later one. `unknown` when the gateway ended before it had the answer: it may have taken effect",
});

/** What a request of staff, an admin or a key was. */
export const staffAct = z.strictObject({
  actor,
  action: z.string().meta({ description: "Name of the route's action", examples: ["payments.refund"] }),
  method: z.string().meta({ examples: ["POST"] }),
  path: z
    .string()
    .meta({ description: "Without query and secrets", examples: ["/api/v1/payments/…/refunds"] }),
  resourceId: z.string().optional().meta({ description: "The id in the path, where it has one" }),
  ip: z
    .string()
    .optional()
    .meta({ examples: ["192.0.2.7"] }),
  requestId: z.string().meta({
    description: "`X-Request-Id` of the answer",
    examples: ["4bf92f3577b34da6a3ce929d0e0e4736"],
  }),
  at: time.meta({ description: "When the request came" }),
});

export const staffMessages = {
  "user.invited": event(
    "user",
    "Somebody was invited to the staff; whoever mails it asks for its token by `users.issueMailToken`",
    z.strictObject({
      userId: id,
      email,
      name: z.string().meta({ examples: ["Sam Example"] }),
      requestId: id,
      expiresAt: time,
      invitedBy: id.meta({ description: "Id of the user who invites, or of the key" }),
    }),
  ),
  "user.erased": event(
    "user",
    "An account is gone; each service removes the names and addresses that it need not keep",
    z.strictObject({ userId: id }),
  ),
  "staff.acted": event(
    "user",
    "A member of staff, an admin or a key changed something, or was refused; its subject is the user, or the user who made the key",
    staffAct.extend({
      outcome: staffOutcome,
      status: z
        .int()
        .optional()
        .meta({ description: "Of the answer, where there was one", examples: [201] }),
    }),
  ),
};

export type StaffAct = z.output<typeof staffAct>;
export type StaffOutcome = z.output<typeof staffOutcome>;
