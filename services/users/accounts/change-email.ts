/**
 * A change of an account's e-mail address. The password and a mail to each of the two addresses confirm it: who stole a
 * session has no password, who stole the password has not the present mailbox, and a mistyped address never answers. Either
 * mail can cancel it. Whether the new address belongs to another account already, only its owner learns, at the very end.
 */
import { type Model, trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { emailKey } from "../../../broker/contract/values/email.ts";
import type { Outbox } from "../../../broker/mongo/document-outbox.ts";
import { isDuplicateKey } from "../../../broker/mongo/duplicate-key.ts";
import type { Clock } from "../../../broker/resilience/clock.ts";
import { hasMailToken, mailOf, mailRequest, notAskedLately } from "../credentials/mail-tokens.ts";
import { type Account, type EmailChange, shownEmail } from "../models/account.model.ts";
import { hashToken } from "../sessions/refresh-token.ts";
import type { Sessions } from "../sessions/sessions.ts";
import { type CredentialTools, confirmPassword, type SignedIn } from "./change-credentials.ts";

export interface EmailTools {
  accounts: Model<Account>;
  outbox: Outbox;
  sessions: Sessions;
  clock: Clock;
}

/**
 * Asks both addresses. A newer request replaces one that waits.
 * @throws {SoukError} WRONG_PASSWORD, RATE_LIMITED, CONFLICT
 */
export async function requestEmailChange(
  tools: EmailTools & CredentialTools,
  caller: SignedIn,
  { email, currentPassword }: { email: string; currentPassword: string },
  traceparent?: string,
): Promise<void> {
  const { accounts, outbox, clock } = tools;
  const account = await confirmPassword(tools, caller, currentPassword);
  const requests = (["current", "new"] as const).map((address) => ({
    ...mailRequest("change_email", clock),
    address,
  }));
  const events = requests.map(({ address, ...request }) =>
    outbox.entry(
      "user.email_change_requested",
      account._id,
      {
        ...mailOf(account, request),
        ...(address === "new" ? { email } : {}),
        address,
        newEmail: email,
      },
      traceparent ? { traceparent } : {},
    ),
  );
  const change: EmailChange = {
    email: emailKey(email),
    typedEmail: email,
    confirmed: [],
    ...(caller.session === undefined ? {} : { session: caller.session }),
  };
  const { _id, credentialVersion } = account;
  const { matchedCount } = await accounts.updateOne(
    { _id, credentialVersion, ...notAskedLately("change_email", clock) },
    { $set: { emailChange: change, "mail.change_email": requests }, $push: { outbox: { $each: events } } },
  );
  if (matchedCount === 0)
    throw new SoukError("CONFLICT", "Mails of another change were sent just now; try again in a minute.");
  outbox.relay(_id, events);
}

/**
 * A yes from one of the two addresses. The second one makes the change, which ends all sessions but that of the request.
 * @throws {SoukError} INVALID_TOKEN; EMAIL_TAKEN when the new address became another account's
 */
export async function confirmEmailChange(tools: EmailTools, token: string): Promise<"waiting" | "changed"> {
  const { accounts, clock } = tools;
  const mine = () => hasMailToken("change_email", token, clock);
  for (;;) {
    const account = await accounts.findOne(mine()).lean<Account>();
    const hashed = hashToken(token);
    const request = account?.mail?.change_email?.find((it) => it.tokens.includes(hashed));
    if (!account?.emailChange || !request?.address) throw new SoukError("INVALID_TOKEN");
    if (account.emailChange.confirmed.some((it) => it !== request.address)) {
      if (await makeChange(tools, account, account.emailChange, mine())) return "changed";
    } else {
      const { matchedCount } = await accounts.updateOne(
        { ...mine(), "emailChange.confirmed": trusted({ $size: 0 }) },
        {
          $push: { "emailChange.confirmed": request.address },
          $pull: { "mail.change_email": { id: request.id } },
        },
      );
      if (matchedCount === 1) return "waiting";
    }
    // Another request came in between: it is decided again.
  }
}

/** Gives up the change that a mail asks for. @throws {SoukError} INVALID_TOKEN */
export async function cancelEmailChange({ accounts, clock }: EmailTools, token: string): Promise<void> {
  const { matchedCount } = await accounts.updateOne(hasMailToken("change_email", token, clock), {
    $unset: { emailChange: 1, "mail.change_email": 1 },
  });
  if (matchedCount === 0) throw new SoukError("INVALID_TOKEN");
}

/** @returns whether the account still was as it was read */
async function makeChange(
  { accounts, outbox, sessions, clock }: EmailTools,
  account: Account,
  { email, typedEmail, session, confirmed }: EmailChange,
  unused: object,
): Promise<boolean> {
  const { _id, name, credentialVersion } = account;
  const changed = outbox.entry("user.email_changed", _id, {
    userId: _id,
    email: typedEmail,
    name,
    previousEmail: shownEmail(account),
  });
  const kept = session === undefined ? {} : { keptSession: session };
  const { matchedCount } = await accounts
    .updateOne(
      { ...unused, _id, credentialVersion, "emailChange.email": email, "emailChange.confirmed": confirmed },
      {
        $set: { email, typedEmail, emailVerifiedAt: new Date(clock.now()), ...kept },
        $unset: {
          emailChange: 1,
          "mail.change_email": 1,
          "mail.reset": 1,
          "mail.verify": 1,
          ...(session === undefined ? { keptSession: 1 } : {}),
        },
        $inc: { credentialVersion: 1 },
        $push: { outbox: changed },
      },
    )
    .catch((error: unknown) => {
      if (isDuplicateKey(error, "email")) throw new SoukError("EMAIL_TAKEN");
      throw error;
    });
  if (matchedCount === 0) return false;
  outbox.relay(_id, [changed]);
  await sessions.endOthers(_id, session);
  return true;
}
