/** The customer's options beyond the provider, checked by the provider's module. */
import type { z } from "zod";
import { IN_SENTENCES } from "../../../../broker/contract/sentences.ts";
import { ProviderRefused } from "../provider.ts";

/** @throws {ProviderRefused} that names the first wrong option */
export function checkOptions(
  provider: string,
  options: z.ZodObject,
  given: Readonly<Record<string, string>>,
): void {
  const { error } = options.safeParse(given, IN_SENTENCES);
  const issue = error?.issues[0];
  if (!issue) return;
  if (issue.code !== "unrecognized_keys")
    throw new ProviderRefused(`options.${issue.path.join(".")}: ${issue.message}`);
  const known = Object.keys(options.shape).map((it) => `options.${it}`);
  const takes = known.length > 0 ? `${known.join(", ")} only` : "no options";
  throw new ProviderRefused(`options.${issue.keys[0]}: ${provider} takes ${takes}`);
}
