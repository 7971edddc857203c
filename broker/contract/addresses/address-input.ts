/** Addresses as clients send them. */
import { z } from "zod";
import { CONDITIONS } from "../conditions.ts";
import { type Address, address } from "../schemas.ts";
import { e164 } from "../values/phone.ts";
import { addressIssues } from "./check-address.ts";

/** The schema with the rules of the address's country. The phone number is kept in E.164, too. */
export const byCountry = <S extends z.ZodType<Address>>(schema: S): S =>
  schema
    .superRefine((it, context) => {
      for (const { field, message } of addressIssues(it))
        context.addIssue({ code: "custom", path: [field], message });
    })
    .overwrite((it) => withE164(it))
    .meta({
      [CONDITIONS]: ["what is required, and the form of postal code, region and phone, follow the country"],
    });

function withE164<A extends Address>(given: A): A {
  const number = given.phone === undefined ? undefined : e164(given.phone, given.country);
  return number === given.phoneE164 ? given : { ...given, phoneE164: number };
}

/** Of the fields alone: what is derived from a named schema would be documented as a reference to it. */
export const addressInput = byCountry(z.strictObject(address.shape)).meta({
  id: "AddressInput",
  description: "A postal address, by the rules of its country",
});
