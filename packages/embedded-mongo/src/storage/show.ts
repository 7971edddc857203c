/** Values in the notation of MongoDB's messages. */
import { Binary, type ObjectId } from "bson";
import { fields, items, type Raw, stringValue, Type, toJs } from "../bson/raw.ts";

/** A value as mongod prints it in errors: `"text"`, `1`, `ObjectId('…')`, `{ a: 1 }`. */
export function show(value: Raw): string {
  switch (value.type) {
    case Type.string:
      return JSON.stringify(stringValue(value));
    case Type.objectId:
      return `ObjectId('${(toJs(value) as ObjectId).toHexString()}')`;
    case Type.date:
      return `new Date(${(toJs(value) as Date).getTime()})`;
    case Type.null:
    case Type.undefined:
      return "null";
    case Type.object:
      return `{ ${fields(value)
        .map(([name, inner]) => `${name}: ${show(inner)}`)
        .join(", ")} }`;
    case Type.array:
      return `[ ${items(value).map(show).join(", ")} ]`;
    case Type.binary: {
      const binary = toJs(value);
      if (!(binary instanceof Binary)) return String(binary);
      return binary.sub_type === Binary.SUBTYPE_UUID
        ? `UUID("${binary.toUUID().toString()}")`
        : `BinData(${binary.sub_type}, ${binary.toString("hex").toUpperCase()})`;
    }
    default:
      return String(toJs(value));
  }
}
