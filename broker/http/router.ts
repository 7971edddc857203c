/** Finds a route by its path: a trie of segments, static ones before parameters, in constant time per segment. */

const STATIC = /^[A-Za-z0-9._~-]+$/;
const PARAMETER = /^:([A-Za-z][A-Za-z0-9]*)$/;

interface Leaf<T> {
  target: T;
  /** Parameters in the order of the path. Two routes may name the same segment differently. */
  names: readonly string[];
}

interface Node<T> {
  statics: Map<string, Node<T>>;
  parameter?: Node<T>;
  leaves: Map<string, Leaf<T>>;
}

export interface Found<T> {
  /** Methods of the path. */
  readonly methods: readonly string[];
  /** The route for a method, with its parameters as in the URL: still percent-encoded. */
  route(method: string): { target: T; params: Record<string, string> } | undefined;
}

const node = <T>(): Node<T> => ({ statics: new Map(), leaves: new Map() });
/** `/a/b/` means `/a/b`. */
const segmentsOf = (path: string): string[] =>
  (path.length > 1 && path.endsWith("/") ? path.slice(1, -1) : path.slice(1)).split("/");

export class Router<T> {
  readonly #root = node<T>();

  /**
   * @param path for example `/orders/:id/payments`; parameters are whole segments
   * @throws on a path that can't be served, and on a route that exists
   */
  add(method: string, path: string, target: T): void {
    if (!path.startsWith("/")) throw new Error(`route ${method} ${path}: must start with /`);
    const names: string[] = [];
    let at = this.#root;
    for (const segment of segmentsOf(path)) {
      const parameter = PARAMETER.exec(segment)?.[1];
      if (parameter) {
        if (names.includes(parameter)) throw new Error(`route ${method} ${path}: names :${parameter} twice`);
        names.push(parameter);
        at.parameter ??= node();
        at = at.parameter;
      } else {
        if (!STATIC.test(segment) && path !== "/")
          throw new Error(`route ${method} ${path}: ${segment} is neither plain text nor a :parameter`);
        const next = at.statics.get(segment) ?? node<T>();
        at.statics.set(segment, next);
        at = next;
      }
    }
    if (at.leaves.has(method)) throw new Error(`route ${method} ${path}: is taken`);
    at.leaves.set(method, { target, names });
  }

  /** @param path as in the URL, without the query */
  find(path: string): Found<T> | undefined {
    const values: string[] = [];
    const leaves = walk(this.#root, segmentsOf(path), 0, values)?.leaves;
    if (!leaves) return undefined;
    return {
      methods: [...leaves.keys()],
      route(method) {
        const leaf = leaves.get(method);
        if (!leaf) return undefined;
        const params: Record<string, string> = {};
        leaf.names.forEach((name, i) => {
          params[name] = values[i] ?? "";
        });
        return { target: leaf.target, params };
      },
    };
  }
}

function walk<T>(
  at: Node<T>,
  segments: readonly string[],
  depth: number,
  values: string[],
): Node<T> | undefined {
  const segment = segments[depth];
  if (segment === undefined) return at.leaves.size > 0 ? at : undefined;
  const next = at.statics.get(segment);
  const found = next && walk(next, segments, depth + 1, values);
  if (found) return found;
  if (!at.parameter || segment === "") return undefined;
  values.push(segment);
  const below = walk(at.parameter, segments, depth + 1, values);
  if (!below) values.pop();
  return below;
}
