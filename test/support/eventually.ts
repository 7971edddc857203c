export * from "../../souk/testing/eventually.ts";
