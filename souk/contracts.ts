/** The package's `souk/contracts`: contracts of Souk's own services, with their schemas. */
export * from "../services/contracts.ts";
