/** Where customers come back to after they have paid at a provider's page: to pages of the shop only. */
import { z } from "zod";
import { SoukError } from "../../broker/contract/errors.ts";
import { publicUrl } from "../../broker/http/public-url.ts";
import type { Config } from "../../broker/moleculer/config.ts";

/**
 * A complete address with a host, as browsers read it and as people do. Browsers take a backslash for a slash, drop
 * blanks, and take what is before an @ for a user: `https://shop.example@evil.example`.
 */
const ADDRESS = /^https?:\/\/[^\s\p{Cc}\\/?#@]+(?:[/?#][^\s\p{Cc}\\]*)?$/iu;

export const returnUrl = z
  .string()
  .max(1_000, { abort: true })
  .refine((it) => ADDRESS.test(it), {
    error: "must be a complete http:// or https:// address without a user",
    abort: true,
  })
  .check(z.url({ protocol: /^https?$/ }))
  .meta({
    description:
      "Page of the shop to which the provider sends the customer back. It gets `orderId` and `outcome`, which anybody " +
      "can write: only the order itself says whether it is paid. Its origin is one of RETURN_ORIGINS",
    examples: ["https://shop.example/thanks"],
  });

/** An origin is scheme, host and port, so another port is another origin. */
function isOrigin(text: string): boolean {
  if (!ADDRESS.test(text) || text.includes("*") || !URL.canParse(text)) return false;
  const { pathname, search, hash } = new URL(text);
  return pathname === "/" && search === "" && hash === "";
}

/** A variable with origins, separated by commas. */
export const returnOrigins = z
  .string()
  .transform((it) =>
    it
      .split(",")
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ""),
  )
  .refine((it) => it.every(isOrigin), "must be origins such as https://shop.example, separated by commas")
  .transform((it) => it.map((origin) => new URL(origin).origin));

type Origins = Pick<Config, "RETURN_ORIGINS" | "PUBLIC_URL" | "HOST" | "PORT">;

/** @returns a check that throws VALIDATION_FAILED with the field's name for a page elsewhere */
export function createReturnCheck({ RETURN_ORIGINS, ...gateway }: Origins) {
  const allowed = new Set(RETURN_ORIGINS ?? [new URL(publicUrl(gateway)).origin]);

  return (url: string | undefined, field: string): void => {
    if (url === undefined || allowed.has(new URL(url).origin)) return;
    const message = "must be a page of the shop: its origin is none of RETURN_ORIGINS";
    throw new SoukError("VALIDATION_FAILED", "The customer can't be sent back to that page.", {
      errors: [{ field, message }],
    });
  };
}
