/** Accounts. All data of a person that must change together is in one document. */
import { Schema } from "mongoose";
import type { Scope } from "../../../broker/contract/contract.ts";
import type { Ext } from "../../../broker/contract/fields.ts";
import type { Address } from "../../../broker/contract/schemas.ts";
import type { OutboxDocument } from "../../../broker/mongo/document-outbox.ts";
import { defineModel } from "../../../broker/mongo/model.ts";
import type { AddressOfChange, MailPurpose, Role } from "../users.contract.ts";

export interface Account extends OutboxDocument {
  /** In canonical form, see broker/contract/values/email.ts. Unique. */
  email: string;
  /** As it was typed. Accounts of earlier versions do not have it. */
  typedEmail?: string;
  name: string;
  roles: Role[];
  /** Names of the roles of a member of staff. Accounts of before roles do not have them. */
  staffRoles?: string[];
  /** What a member of staff may do beyond these roles. */
  scopes?: Scope[];
  /** An invitation that was not accepted. Nobody can sign in before. */
  invited?: Invitation;
  /** PHC string, see hash-password.ts. */
  passwordHash: string;
  /** Increases with each new password or e-mail address. Sessions of older credentials are invalid. */
  credentialVersion: number;
  /** The session that made the last change, and which it did not end. */
  keptSession?: string;
  /** Addresses of sign-ins, hashed. At most {@link MAX_KNOWN_ADDRESSES}. */
  knownAddresses?: string[];
  addresses: (Address & { id: string })[];
  /** When the owner showed by a mail that the address is theirs. A new address has to be shown again. */
  emailVerifiedAt?: Date;
  /** What mails ask for and nobody has done yet, see mail-tokens.ts. */
  mail?: Partial<Record<MailPurpose, MailRequest[]>>;
  /** The second factor. The secret is sealed, see seal.ts; recovery codes are hashed. */
  totp?: { secret: string; lastStep: number; recovery: string[] };
  /** A secret that no code has confirmed yet. */
  totpPending?: { secret: string; expiresAt: Date };
  /** Accounts elsewhere that may sign in to this one. */
  identities?: Identity[];
  /** A new address that its owner has asked for. It counts when both addresses have said yes. */
  emailChange?: EmailChange;
  /** Only on the account made by bootstrap. A unique sparse index permits it once. */
  firstAdmin?: true;
  /** May not sign in, and has no live session. */
  blocked?: true;
  /** Fields of extensions. */
  ext?: Ext;
  createdAt: Date;
}

export interface Invitation {
  /** The member of staff who invited. What they may no longer grant is not granted. */
  by: string;
  at: Date;
}

/** The mailing service asks for a token by the id. */
export interface MailRequest {
  id: string;
  at: Date;
  expiresAt: Date;
  /** Hashes. */
  tokens: string[];
  /** Which address the mail goes to, for a change of it. */
  address?: AddressOfChange;
}

/** An account at a provider of OpenID Connect. */
export interface Identity {
  /** Hash of issuer and subject. Unique over all accounts. */
  key: string;
  issuer: string;
  subject: string;
  linkedAt: Date;
}

export interface EmailChange {
  /** In canonical form. */
  email: string;
  typedEmail: string;
  confirmed: AddressOfChange[];
  /** Where it was asked for. That session goes on. */
  session?: string;
}

export const MAX_ADDRESSES = 50;
export const MAX_KNOWN_ADDRESSES = 20;

const address = new Schema(
  {
    id: String,
    name: String,
    line1: String,
    line2: String,
    city: String,
    region: String,
    postalCode: String,
    country: String,
    phone: String,
    phoneE164: String,
  },
  { _id: false, id: false },
);
const mailRequest = new Schema(
  { id: String, at: Date, expiresAt: Date, tokens: [String], address: String },
  { _id: false, id: false },
);
const mailRequests = { type: [mailRequest], default: undefined };
const mail = new Schema(
  { reset: mailRequests, verify: mailRequests, change_email: mailRequests, invitation: mailRequests },
  { _id: false, id: false },
);
const emailChange = new Schema(
  { email: String, typedEmail: String, confirmed: [String], session: String },
  { _id: false, id: false },
);

const identity = new Schema(
  { key: String, issuer: String, subject: String, linkedAt: Date },
  { _id: false, id: false },
);
const totp = new Schema({ secret: String, lastStep: Number, recovery: [String] }, { _id: false, id: false });
const totpPending = new Schema({ secret: String, expiresAt: Date }, { _id: false, id: false });
const invitation = new Schema({ by: String, at: Date }, { _id: false, id: false });

const schema = new Schema<Account>(
  {
    _id: { type: String, required: true },
    email: { type: String, required: true },
    typedEmail: String,
    name: { type: String, required: true },
    roles: { type: [String], required: true },
    staffRoles: { type: [String], default: undefined },
    scopes: { type: [String], default: undefined },
    invited: { type: invitation, default: undefined },
    passwordHash: { type: String, required: true },
    credentialVersion: { type: Number, required: true },
    keptSession: String,
    knownAddresses: { type: [String], default: undefined },
    addresses: { type: [address], default: [] },
    emailVerifiedAt: Date,
    mail: { type: mail, default: undefined },
    identities: { type: [identity], default: undefined },
    totp: { type: totp, default: undefined },
    totpPending: { type: totpPending, default: undefined },
    emailChange: { type: emailChange, default: undefined },
    firstAdmin: Boolean,
    blocked: Boolean,
    ext: { type: Schema.Types.Mixed, default: undefined },
    createdAt: { type: Date, required: true },
    outbox: { type: [Schema.Types.Mixed], default: undefined },
  },
  { versionKey: false, minimize: false },
);

export const accountModel = defineModel<Account>("accounts", schema);

/** The address as its owner typed it, for people and mails. */
export const shownEmail = ({ email, typedEmail }: Pick<Account, "email" | "typedEmail">): string =>
  typedEmail ?? email;
