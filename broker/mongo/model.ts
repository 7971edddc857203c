/** Mongoose models declared without a connection, so that a service's file has no set-up code. */
import type { Connection, Model, Schema } from "mongoose";

export interface ModelDefinition<T> {
  readonly collection: string;
  bind(connection: Connection): Model<T>;
}

/** A model on `collection`. It is bound to the service's database when the service is created. */
export function defineModel<T>(collection: string, schema: Schema<T>): ModelDefinition<T> {
  return { collection, bind: (connection) => connection.model<T>(collection, schema, collection) };
}
