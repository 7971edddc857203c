/** An address that every schema takes. */
import type { Address } from "../../broker/contract/schemas.ts";

/** @param changes what matters to the test */
export const anAddress = (changes: Partial<Address> = {}): Address => ({
  name: "Ann",
  line1: "1 Market Street",
  city: "Springfield",
  postalCode: "12345",
  country: "US",
  ...changes,
});
