/** Actions about signing in with an account of elsewhere, a part of the contract of users. */
import { z } from "zod";
import { action } from "../../broker/contract/contract.ts";
import { cartHeader } from "../cart/cart.contract.ts";
import { tokens } from "./users.shapes.ts";

/** Of the cookie between the two redirects. */
export const OIDC_COOKIE = "souk-sign-in";

const provider = z
  .string()
  .max(20)
  .regex(/^[a-z]{1,20}$/, "must be the name of a provider")
  .meta({ description: "One of `OIDC_PROVIDERS`", examples: ["google"] });
const random = z
  .string()
  .max(43)
  .regex(/^[A-Za-z0-9_-]{43}$/, "must be 32 bytes in base64url");
/** What providers send back. Only some of it is used; all of it may be there. */
const sent = z
  .string()
  .max(2_048)
  .regex(/^[ -~]*$/, "must be printable ASCII")
  .meta({ description: "As the provider sends it", examples: ["SplxlOBeZQQYbYS6WxSbIA"] })
  .optional();

export const elsewhereActions = {
  beginElsewhere: action({
    summary: "Sign in with an account of elsewhere",
    description:
      "Leads to the provider (OpenID Connect, code flow with PKCE). The page that sends people here keeps a random verifier, and " +
      "gives its SHA-256 as `challenge`.",
    operationId: "beginSignInElsewhere",
    rest: "GET /auth/oidc/:provider",
    auth: "public",
    credentials: true,
    status: 302,
    produces: "text/html",
    params: z.strictObject({
      provider,
      challenge: random.meta({
        description: "SHA-256 of the verifier, in base64url",
        examples: ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"],
      }),
    }),
    returns: z.void(),
    errors: ["SIGN_IN_REFUSED", "UNAVAILABLE"],
  }),
  returnFromElsewhere: action({
    summary: "Come back from the provider",
    description:
      "Leads to the shop's page (`OIDC_RETURN_URL`) with a `code` that is good once, for five minutes, and only with the verifier.",
    operationId: "returnFromSignInElsewhere",
    rest: "GET /auth/oidc/:provider/callback",
    auth: "public",
    credentials: true,
    cookie: OIDC_COOKIE,
    status: 302,
    produces: "text/html",
    params: z.strictObject({
      provider,
      code: sent,
      state: sent,
      iss: sent,
      error: sent,
      error_description: sent,
      error_uri: sent,
      session_state: sent,
      scope: sent,
      authuser: sent,
      prompt: sent,
      hd: sent,
    }),
    returns: z.void(),
    errors: ["SIGN_IN_REFUSED", "EMAIL_UNVERIFIED", "ACCOUNT_BLOCKED", "UNAVAILABLE"],
  }),
  loginElsewhere: action({
    summary: "Sign in with the code of a sign-in elsewhere",
    description:
      "Where the account has a second factor, the answer is `MFA_REQUIRED` with a `ticket` for the next step.",
    operationId: "loginFromElsewhere",
    headers: { request: cartHeader },
    rest: "POST /auth/oidc/token",
    auth: "public",
    repeatable: "a code is good once",
    credentials: true,
    params: z.strictObject({
      code: random.meta({
        description: "Of the address of the shop's page",
        examples: ["k7Qw2nVx9sT4bR8mJ1pL6yD3cF5gH0aZk7Qw2nVx9sT"],
      }),
      verifier: random.meta({
        description: "Whose SHA-256 was the challenge",
        examples: ["dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"],
      }),
    }),
    returns: tokens,
    errors: ["INVALID_TOKEN", "MFA_REQUIRED"],
    problems: { MFA_REQUIRED: z.strictObject({ ticket: z.string() }) },
  }),
};
