/** Where `STAFF_MFA=required`, staff without a second factor have the rights of a customer, so that they can enrol. */
import type { Config } from "../../../broker/moleculer/config.ts";
import type { Account } from "../models/account.model.ts";

export type StaffMfa = Config["STAFF_MFA"];

/** Whether rights of the account wait for a second factor. */
export const rightsWait = ({ roles, totp }: Pick<Account, "roles" | "totp">, staffMfa: StaffMfa): boolean =>
  staffMfa === "required" && !totp && roles.some((it) => it !== "customer");

/** The account with the roles that count now. */
export const withHeldRoles = <A extends Pick<Account, "roles" | "totp">>(
  account: A,
  staffMfa: StaffMfa,
): A => (rightsWait(account, staffMfa) ? { ...account, roles: ["customer"] } : account);
