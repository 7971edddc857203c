import type { Connection } from "mongoose";

/** The time by the clock of the database, which also `$currentDate` uses. Of a replica set, its primary's. */
export async function serverTime(connection: Connection): Promise<Date> {
  const { localTime } = (await connection.db?.command({ hello: 1 })) ?? {};
  if (localTime instanceof Date) return localTime;
  throw new Error("the database did not say its time");
}
