/** Actions about second factors, a part of the contract of users. */
import { z } from "zod";
import { action } from "../../broker/contract/contract.ts";
import { cartHeader } from "../cart/cart.contract.ts";
import { currentPassword, tokens } from "./users.shapes.ts";

const code = z
  .string()
  .max(32)
  .regex(/^[A-Za-z0-9 -]{6,32}$/, "must be a code: letters, digits, blanks and -")
  .meta({
    description: "Six digits of the authenticator app, or a recovery code",
    examples: ["492039"],
  });

const ticket = z
  .string()
  .max(43)
  .regex(/^[A-Za-z0-9_-]{43}$/, "must be a ticket of the first step")
  .meta({ description: "Of the first step", examples: ["k7Qw2nVx9sT4bR8mJ1pL6yD3cF5gH0aZk7Qw2nVx9sT"] });

export const secondFactorActions = {
  loginTotp: action({
    summary: "Sign in with a code of the second factor",
    description:
      "With the `ticket` of the answer `MFA_REQUIRED`, which is good for five minutes and five codes. A code works once.",
    operationId: "loginWithCode",
    headers: { request: cartHeader },
    rest: "POST /auth/login/totp",
    auth: "public",
    repeatable: "a code works once",
    credentials: true,
    params: z.strictObject({
      ticket,
      code,
    }),
    returns: tokens,
    errors: ["INVALID_TOKEN", "INVALID_CODE"],
  }),
  beginTotp: action({
    summary: "Begin to use a second factor",
    description: "It counts once a code has confirmed it, within ten minutes.",
    operationId: "beginSecondFactor",
    rest: "POST /users/me/totp",
    auth: "customer",
    repeatable: "a newer secret replaces it",
    credentials: true,
    params: z.strictObject({ currentPassword }),
    returns: z
      .strictObject({
        secret: z.string().meta({ description: "In base32, to type" }),
        uri: z.string().meta({ description: "For a QR code" }),
      })
      .meta({
        id: "SecondFactorSecret",
        description: "What an authenticator app needs",
        examples: [
          {
            secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            uri: "otpauth://totp/Shop:ann%40example.com?issuer=Shop&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
          },
        ],
      }),
    errors: ["WRONG_PASSWORD", "CONFLICT"],
  }),
  confirmTotp: action({
    summary: "Switch the second factor on",
    description:
      "All other sessions end. The recovery codes are shown this once; each works once in place of a code.",
    operationId: "confirmSecondFactor",
    rest: "POST /users/me/totp/confirm",
    auth: "customer",
    repeatable: "it is on already",
    credentials: true,
    params: z.strictObject({ code }),
    returns: z.strictObject({ recoveryCodes: z.array(z.string()) }).meta({
      id: "RecoveryCodes",
      description: "For a lost phone",
      examples: [{ recoveryCodes: ["ABCD-EFGH-IJKL-MNOP"] }],
    }),
    errors: ["INVALID_CODE", "CONFLICT"],
  }),
  disableTotp: action({
    summary: "Switch the second factor off",
    description: "Where `STAFF_MFA=required`, staff then have the rights of a customer.",
    operationId: "disableSecondFactor",
    rest: "POST /users/me/totp/disable",
    auth: "customer",
    repeatable: "it is off already",
    credentials: true,
    params: z.strictObject({ currentPassword, code }),
    returns: z.void(),
    errors: ["WRONG_PASSWORD", "INVALID_CODE", "CONFLICT"],
  }),
};
