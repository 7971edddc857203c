/** What a checkout page must know of the providers that are on. */
import { z } from "zod";
import type { Returned } from "../../../broker/contract/contract.ts";
import type { Providers } from "./create-providers.ts";

/** In the order of their titles. */
export const offeredProviders = ({ open }: Pick<Providers, "open">): Returned<"payments.offered">["items"] =>
  open
    .map(({ name, title = name, currencies, options }) => ({
      name,
      title,
      currencies: currencies ? currencies.toSorted() : null,
      // As customers send them: a number as they write it.
      options: z.toJSONSchema(options, { io: "input", unrepresentable: "any" }),
    }))
    .sort((one, other) => one.title.localeCompare(other.title, "en"));
