/**
 * Saved addresses. They are part of their account, so their owner is always certain. Each change is one conditional
 * update.
 */
import { type Model, trusted } from "mongoose";
import { SoukError } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import type { Address } from "../../../broker/contract/schemas.ts";
import { type Account, MAX_ADDRESSES } from "../models/account.model.ts";
import { requireAccount } from "./update-account.ts";

type Saved = Account["addresses"][number];

/** @throws {SoukError} CONFLICT when the account has {@link MAX_ADDRESSES} */
export async function addAddress(accounts: Model<Account>, userId: string, given: Address): Promise<Saved> {
  const saved = { id: newId(), ...given };
  const { matchedCount } = await accounts.updateOne(
    { _id: userId, [`addresses.${MAX_ADDRESSES - 1}`]: trusted({ $exists: false }) },
    { $push: { addresses: saved } },
  );
  if (matchedCount === 1) return saved;
  await requireAccount(accounts, userId);
  throw new SoukError("CONFLICT", `An account keeps at most ${MAX_ADDRESSES} addresses.`);
}

/** @throws {SoukError} NOT_FOUND when the user has no such address */
export async function replaceAddress(
  accounts: Model<Account>,
  userId: string,
  { id, ...given }: Address & { id: string },
): Promise<Saved> {
  const saved = { id, ...given };
  const { matchedCount } = await accounts.updateOne(
    { _id: userId, "addresses.id": id },
    { $set: { "addresses.$": saved } },
  );
  if (matchedCount === 0) throw new SoukError("NOT_FOUND");
  return saved;
}

/** @throws {SoukError} NOT_FOUND when the user has no such address */
export async function removeAddress(accounts: Model<Account>, userId: string, id: string): Promise<void> {
  const { matchedCount } = await accounts.updateOne(
    { _id: userId, "addresses.id": id },
    { $pull: { addresses: { id } } },
  );
  if (matchedCount === 0) throw new SoukError("NOT_FOUND");
}

/** @throws {SoukError} NOT_FOUND when the user has no such address */
export async function findAddress(accounts: Model<Account>, userId: string, id: string): Promise<Saved> {
  const account = await accounts
    .findOne({ _id: userId, "addresses.id": id }, { addresses: 1 })
    .lean<Account>();
  const found = account?.addresses.find((it) => it.id === id);
  if (!found) throw new SoukError("NOT_FOUND");
  return found;
}
