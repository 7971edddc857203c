export * from "../../souk/testing/http-client.ts";
