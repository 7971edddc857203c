export * from "../../../souk/testing/people.ts";
