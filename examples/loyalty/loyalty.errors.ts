import { type CodesOf, defineErrors } from "souk";

export const loyaltyErrors = defineErrors({
  TOO_FEW_POINTS: { status: 409, title: "The customer does not have so many points." },
});

declare module "souk" {
  interface ErrorCodes extends CodesOf<typeof loyaltyErrors> {}
}
