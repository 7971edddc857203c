/** Error codes of notifications. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const notificationsErrors = defineErrors({
  NOT_RESENDABLE: {
    status: 409,
    title: "The notification is still being sent, or its recipient was erased.",
  },
  PUSH_SUBSCRIPTION_LIMIT: { status: 409, title: "The user has as many push subscriptions as there may be." },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof notificationsErrors> {}
}
