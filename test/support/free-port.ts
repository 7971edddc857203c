export * from "../../souk/testing/free-port.ts";
