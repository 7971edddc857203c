/** Actions about staff, a part of the contract of users. */
import { z } from "zod";
import { action } from "../../../broker/contract/contract.ts";
import { id } from "../../../broker/contract/schemas.ts";
import { staffAct } from "./staff.messages.ts";

export const staffActions = {
  staffAttempted: action({
    summary: "Staff or a key is about to change something; gateways tell it before they call the action",
    readOnly: true,
    params: z.strictObject({ id, act: staffAct }),
    returns: z.void(),
  }),
  staffActed: action({
    summary: "How that ended, by the status of the answer; also of a request that was refused",
    readOnly: true,
    params: z.strictObject({ id, act: staffAct, status: z.int() }),
    returns: z.void(),
  }),
};
