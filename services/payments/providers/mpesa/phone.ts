/** Kenyan mobile numbers as people write them. */
import { z } from "zod";
import { e164 } from "../../../../broker/contract/values/phone.ts";

const KENYAN_MOBILE = /^\+(254[17]\d{8})$/;

/** As M-Pesa writes it, `2547XXXXXXXX` or `2541XXXXXXXX`. @returns null for another number */
export const msisdn = (written: string): string | null =>
  KENYAN_MOBILE.exec(e164(written, "KE") ?? "")?.[1] ?? null;

const phone = z
  .string("mpesa needs the number of the phone to ask")
  .meta({ description: "Kenyan mobile number that is asked for the PIN", examples: ["0712 345678"] })
  .transform((written, context) => {
    const number = msisdn(written);
    if (number !== null) return number;
    context.addIssue({ code: "custom", message: "must be a Kenyan mobile number, such as 0712 345678" });
    return z.NEVER;
  });

/** The customer's choice: which phone asks for the PIN. */
export const mpesaOptions = z.strictObject({ phone });
