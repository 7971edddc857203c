/** Error codes of notifications. */
import { type CodesOf, defineErrors } from "../../broker/contract/errors.ts";

export const notificationsErrors = defineErrors({
  NOT_RESENDABLE: {
    status: 409,
    title: "The notification is still being sent, or its recipient was erased.",
  },
});

declare module "../../broker/contract/errors.ts" {
  interface ErrorCodes extends CodesOf<typeof notificationsErrors> {}
}
