/** Kenyan mobile numbers as people write them. */
import { ProviderRefused } from "../provider.ts";

/** 07…, 01…, 7…, 1…, 2547…, +254 7… and the like, in any grouping. */
const KENYAN = /^(?:\+?254|0)?([17]\d{8})$/;

/** @returns as M-Pesa wants it, `2547XXXXXXXX` or `2541XXXXXXXX`. @throws {ProviderRefused} that names the field */
export function phoneOf(options: Readonly<Record<string, string>>): string {
  const unknown = Object.keys(options).find((it) => it !== "phone");
  if (unknown !== undefined) throw new ProviderRefused(`options.${unknown}: mpesa takes options.phone only`);
  const { phone } = options;
  if (phone === undefined)
    throw new ProviderRefused("options.phone: mpesa needs the number of the phone to ask");
  const [, subscriber] = KENYAN.exec(phone.replace(/[\s().-]/g, "")) ?? [];
  if (subscriber === undefined)
    throw new ProviderRefused("options.phone: must be a Kenyan mobile number, such as 0712 345678");
  return `254${subscriber}`;
}
