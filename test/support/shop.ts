export * from "../../souk/testing/start-shop.ts";
