import { providerConformance } from "../../../../../test/support/providers/provider-conformance.ts";
import { traits } from "./traits.ts";

providerConformance(traits);
