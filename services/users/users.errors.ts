/** Error codes of accounts and sessions. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const usersErrors = defineErrors({
  INVALID_CREDENTIALS: { status: 401, title: "E-mail address and password do not match." },
  ACCOUNT_BLOCKED: { status: 403, title: "The account is blocked. The shop can say why." },
  MFA_REQUIRED: { status: 401, title: "The password is right. A code of the second factor is needed, too." },
  INVALID_CODE: { status: 403, title: "The code is wrong, or was used before." },
  SIGN_IN_REFUSED: { status: 403, title: "The sign-in elsewhere did not succeed." },
  EMAIL_UNVERIFIED: {
    status: 403,
    title: "An account is found by an e-mail address only where both sides have verified it.",
  },
  WRONG_PASSWORD: { status: 403, title: "The current password is wrong." },
  WEAK_PASSWORD: { status: 422, title: "The password is too easy to guess." },
  INVALID_TOKEN: { status: 401, title: "The token is unknown, used up or expired." },
  EMAIL_TAKEN: { status: 409, title: "An account with this e-mail address already exists." },
  LAST_ADMIN: { status: 409, title: "The shop needs an admin who can sign in." },
  ROLE_TAKEN: { status: 409, title: "There is a role with this name." },
  ROLE_IN_USE: { status: 409, title: "Members of staff have this role." },
  BOOTSTRAP_CLOSED: { status: 409, title: "The first admin already exists." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof usersErrors> {}
}
