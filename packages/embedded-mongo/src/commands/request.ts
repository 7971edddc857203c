/** A command from the wire, with typed access to its arguments. */
import type { ScramConversation } from "../auth/scram.ts";
import { wholeNumber } from "../bson/arithmetic.ts";
import { type Raw, stringValue, Type, truthy, typeName } from "../bson/raw.ts";
import { StoreError } from "../errors.ts";

export interface ConnectionInfo {
  readonly id: number;
  /** The logged-in user, where log-in is required. */
  user?: string | undefined;
  /** A log-in in progress. */
  conversation?: LogIn | undefined;
}

export interface LogIn {
  readonly scram: ScramConversation;
  /** The client skips the empty exchange at the end. */
  readonly brief: boolean;
  /** The client has proved that it knows the password. */
  readonly proved: boolean;
}

export class Request {
  readonly name: string;
  readonly db: string;
  readonly connection: ConnectionInfo;
  private readonly args: ReadonlyMap<string, Raw>;
  private readonly sequences: ReadonlyMap<string, readonly Raw[]>;
  /** An argument that occurs twice. */
  readonly duplicate: string | undefined;

  constructor(
    name: string,
    args: ReadonlyMap<string, Raw>,
    sequences: ReadonlyMap<string, readonly Raw[]>,
    connection: ConnectionInfo,
    db?: string,
    duplicate?: string,
  ) {
    this.name = name;
    this.args = args;
    this.sequences = sequences;
    this.connection = connection;
    this.duplicate = duplicate;
    const given = args.get("$db");
    this.db = db ?? (given?.type === Type.string ? stringValue(given) : "");
  }

  has(name: string): boolean {
    return this.args.has(name);
  }

  /** An argument. Null counts as absent. */
  get(name: string): Raw | undefined {
    const value = this.args.get(name);
    return value === undefined || value.isNullish() ? undefined : value;
  }

  /** The names of all arguments. */
  names(): Iterable<string> {
    return this.args.keys();
  }

  sequenceNames(): Iterable<string> {
    return this.sequences.keys();
  }

  /** The command's own argument as a collection name. */
  collection(): string {
    const value = this.args.get(this.name);
    if (value?.type !== Type.string) {
      throw new StoreError(73, `collection name has invalid type ${typeName(value?.type ?? 0)}`);
    }
    const name = stringValue(value);
    if (name === "" || name.includes("\0"))
      throw new StoreError(73, `Invalid namespace specified '${this.db}.${name}'`);
    return name;
  }

  string(name: string): string | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (value.type !== Type.string) throw this.wrong(name, value, "string");
    return stringValue(value);
  }

  document(name: string): Raw | undefined {
    const value = this.get(name);
    if (value !== undefined && value.type !== Type.object) throw this.wrong(name, value, "object");
    return value;
  }

  array(name: string): Raw | undefined {
    const value = this.get(name);
    if (value !== undefined && value.type !== Type.array) throw this.wrong(name, value, "array");
    return value;
  }

  /** A whole number from 0 on. */
  count(name: string): number {
    const number = this.integer(name) ?? 0;
    if (number < 0)
      throw new StoreError(51024, `BSON field '${name}' value must be >= 0, actual value '${number}'`);
    return number;
  }

  integer(name: string): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    if (!value.isNumber()) throw this.wrong(name, value, "long");
    return wholeNumber(value, name);
  }

  flag(name: string, otherwise = false): boolean {
    const value = this.get(name);
    if (value === undefined) return otherwise;
    if (value.type !== Type.bool && !value.isNumber()) throw this.wrong(name, value, "bool");
    return truthy(value);
  }

  /** Documents from a separate section of the message. */
  sequence(name: string): readonly Raw[] | undefined {
    return this.sequences.get(name);
  }

  private wrong(name: string, value: Raw, wanted: string): StoreError {
    return new StoreError(
      14,
      `BSON field '${this.name}.${name}' is the wrong type '${typeName(value.type)}', expected type '${wanted}'`,
    );
  }
}
