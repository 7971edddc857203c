export { silentLog } from "../../broker/resilience/silent-log.ts";
