/** A document whose large objects are stored separately, as found by a query. */
import type { Raw } from "../../bson/raw.ts";
import { overlap, type Path } from "../../path.ts";
import type { Reads } from "../../query/reads.ts";
import { DamagedFile } from "../damage.ts";
import type { Database } from "../database.ts";
import type { Stored } from "../stored.ts";
import { type Layout, withObjects } from "./layout.ts";
import { objectOf } from "./part.ts";
import type { ObjectId, PartTable } from "./part-table.ts";

export class SplitDocument implements Stored {
  readonly rid: number;
  readonly layout: Layout;
  private readonly database: Database;
  private readonly collection: number;
  private readonly table: PartTable;
  private whole: Raw | undefined;

  constructor(database: Database, collection: number, rid: number, layout: Layout, table: PartTable) {
    this.database = database;
    this.collection = collection;
    this.rid = rid;
    this.layout = layout;
    this.table = table;
  }

  get outline(): Raw {
    return this.layout.outline;
  }

  get document(): Raw {
    this.whole ??= this.assemble();
    return this.whole;
  }

  within(reads: Reads): Raw {
    if (this.whole !== undefined || reads === undefined || this.reachesInto(reads)) return this.document;
    return this.outline;
  }

  /** True when one of the paths leads to or into a separately stored object. */
  reachesInto(paths: readonly Path[]): boolean {
    return this.layout.objects.some((object) => paths.some((path) => overlap(path, object.path)));
  }

  objectId(object: number): ObjectId {
    return { collection: this.collection, rid: this.rid, object };
  }

  private assemble(): Raw {
    const { objects, outline, size } = this.layout;
    const values = objects.map(({ path }, i) => [path, objectOf(this.table.all(this.objectId(i)))] as const);
    const whole = withObjects(outline, new Map(values));
    const found = whole.end - whole.start;
    if (found === size) return whole;
    throw new DamagedFile(this.database.file, `a document of ${size} bytes comes together as ${found}`);
  }
}
