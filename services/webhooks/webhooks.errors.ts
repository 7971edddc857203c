/** Error codes of webhooks. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const webhooksErrors = defineErrors({
  WEBHOOK_ENDPOINT_LIMIT: { status: 409, title: "There are as many webhook endpoints as there may be." },
  WEBHOOK_ENDPOINT_DISABLED: { status: 409, title: "The webhook endpoint is disabled." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof webhooksErrors> {}
}
