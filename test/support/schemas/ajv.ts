/** JSON Schema validators that know formats. */
import { Ajv, type Options } from "ajv";
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** The package's types describe its CommonJS form. */
const withFormats = <A extends Ajv | Ajv2020>(ajv: A): A => {
  addFormats.default(ajv);
  return ajv;
};

/** OpenAPI's and AsyncAPI's own words (`example`) are no faults of a schema. */
const LENIENT: Options = { strict: false, logger: false };

/** For the schemas of contracts and of OpenAPI 3.1. */
export const ajv2020 = (options: Options = {}): Ajv2020 =>
  withFormats(new Ajv2020({ ...LENIENT, ...options }));

/** For meta-schemas that are written in draft 7. */
export const ajvDraft7 = (options: Options = {}): Ajv => withFormats(new Ajv({ ...LENIENT, ...options }));
