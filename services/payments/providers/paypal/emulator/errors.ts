/** Errors in the format of PayPal's API. */
import { type Answer, Answered } from "../../support/emulator/http-app.ts";

export function errorBody(
  status: number,
  name: string,
  message: string,
  issue?: string,
  field?: string,
): Answer {
  return {
    status,
    body: {
      name,
      message,
      debug_id: "f0e1d2c3b4a59",
      details: issue ? [{ issue, description: message, ...(field ? { field } : {}) }] : [],
      links: [],
    },
  };
}

export const unprocessable = (issue: string, description: string): Answered =>
  new Answered(errorBody(422, "UNPROCESSABLE_ENTITY", description, issue));

export const invalid = (field: string, description: string): Answered =>
  new Answered(errorBody(400, "INVALID_REQUEST", description, "INVALID_PARAMETER_VALUE", field));

export const missing = (): Answered =>
  new Answered(
    errorBody(404, "RESOURCE_NOT_FOUND", "The specified resource does not exist.", "INVALID_RESOURCE_ID"),
  );

/** For the status of a simulated fault. */
export function faultAnswer(status: number): Answer {
  if (status === 401)
    return {
      status,
      body: { error: "invalid_token", error_description: "The token passed in was not found in the system" },
    };
  if (status === 429)
    return errorBody(429, "RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting.");
  if (status === 404) return errorBody(404, "RESOURCE_NOT_FOUND", "The specified resource does not exist.");
  if (status === 400) return errorBody(400, "INVALID_REQUEST", "The request is not well-formed.");
  if (status === 503) return errorBody(503, "SERVICE_UNAVAILABLE", "Service unavailable.");
  return errorBody(status, "INTERNAL_SERVER_ERROR", "An internal server error has occurred.");
}
