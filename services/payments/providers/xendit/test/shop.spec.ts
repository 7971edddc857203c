import { providerConformance } from "../../../../../test/support/provider-conformance.ts";
import { traits } from "./traits.ts";

providerConformance(traits);
