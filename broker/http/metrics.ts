/** The gateway's counters of its replies, and Prometheus' text format for them and for Moleculer's registry. */
import type { MetricRegistry } from "moleculer";

/** Upper bounds in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

interface Series {
  labels: string;
  counts: number[];
  sum: number;
  total: number;
}

/** The present numbers of bounded things. */
export interface HeldNow {
  inFlight: { readonly taken: number };
  bodies: { readonly taken: number };
  streams: { readonly taken: number };
}

const gauge = (name: string, help: string, { taken }: { readonly taken: number }): string[] => [
  `# HELP souk_http_${name} ${help}`,
  `# TYPE souk_http_${name} gauge`,
  `souk_http_${name} ${taken}`,
];

export class RequestMetrics {
  readonly #series = new Map<string, Series>();
  readonly #observing: boolean;
  readonly #held: HeldNow;

  /** @param observing false counts nothing */
  constructor(held: HeldNow, observing = true) {
    this.#held = held;
    this.#observing = observing;
  }

  /** @param route the pattern, not the path: callers must not create new series */
  observe(method: string, route: string, status: number, seconds: number): void {
    if (!this.#observing) return;
    const key = `${method} ${route} ${status}`;
    let series = this.#series.get(key);
    if (!series) {
      const labels = `method="${method}",route="${escapeLabel(route)}",status="${status}"`;
      series = { labels, counts: BUCKETS.map(() => 0), sum: 0, total: 0 };
      this.#series.set(key, series);
    }
    const at = BUCKETS.findIndex((bound) => seconds <= bound);
    if (at >= 0) series.counts[at] = (series.counts[at] ?? 0) + 1;
    series.sum += seconds;
    series.total++;
  }

  text(): string {
    const name = "souk_http_request_duration_seconds";
    const lines = [
      ...gauge(
        "requests_in_flight",
        "Requests in progress, including those being answered.",
        this.#held.inFlight,
      ),
      ...gauge("bodies", "Request bodies being received.", this.#held.bodies),
      ...gauge("event_streams", "Event streams that are open.", this.#held.streams),
      `# HELP ${name} Time from a request's headers to the end of its reply.`,
      `# TYPE ${name} histogram`,
    ];
    for (const { labels, counts, sum, total } of this.#series.values()) {
      let below = 0;
      BUCKETS.forEach((bound, i) => {
        below += counts[i] ?? 0;
        lines.push(`${name}_bucket{${labels},le="${bound}"} ${below}`);
      });
      lines.push(`${name}_bucket{${labels},le="+Inf"} ${total}`);
      lines.push(`${name}_sum{${labels}} ${sum}`, `${name}_count{${labels}} ${total}`);
    }
    return `${lines.join("\n")}\n`;
  }
}

/** The part of a Moleculer metric's snapshot that Prometheus supports. */
interface Snapshot {
  name: string;
  type: string;
  description?: string;
  values: readonly {
    value?: unknown;
    labels?: Record<string, unknown>;
    count?: number;
    sum?: number;
    buckets?: Record<string, number>;
  }[];
}

/** Moleculer's own metrics as text. Empty where they are switched off. */
export function moleculerMetrics(registry: MetricRegistry | undefined): string {
  if (!registry?.isEnabled()) return "";
  const lines: string[] = [];
  // The published type of `list` leaves the snapshots untyped.
  for (const metric of registry.list() as (ReturnType<MetricRegistry["list"]>[number] & Snapshot)[]) {
    if (metric.type === "info" || metric.values.length === 0) continue;
    const name = metric.name.replaceAll(/[^A-Za-z0-9_]/g, "_");
    const body = metric.values.flatMap((it) => sample(name, metric.type, it));
    if (body.length === 0) continue;
    if (metric.description) lines.push(`# HELP ${name} ${metric.description.replaceAll(/[\\\n]/g, " ")}`);
    lines.push(`# TYPE ${name} ${metric.type}`, ...body);
  }
  return lines.length > 0 ? `${lines.join("\n")}\n` : "";
}

function sample(
  name: string,
  type: string,
  { value, labels = {}, count, sum, buckets }: Snapshot["values"][number],
) {
  const pairs = Object.entries(labels)
    .filter(([, it]) => it !== undefined && it !== null)
    .map(([key, it]) => `${key.replaceAll(/[^A-Za-z0-9_]/g, "_")}="${escapeLabel(String(it))}"`);
  const labelled = (suffix: string, ...more: string[]) => {
    const all = [...pairs, ...more].join(",");
    return `${name}${suffix}${all ? `{${all}}` : ""}`;
  };
  if (type !== "histogram") return typeof value === "number" ? [`${labelled("")} ${value}`] : [];
  const bounds = Object.entries(buckets ?? {}).map(([le, n]) => `${labelled("_bucket", `le="${le}"`)} ${n}`);
  return [
    ...bounds,
    `${labelled("_bucket", 'le="+Inf"')} ${count ?? 0}`,
    `${labelled("_sum")} ${sum ?? 0}`,
    `${labelled("_count")} ${count ?? 0}`,
  ];
}

const escapeLabel = (text: string): string => text.replaceAll(/[\\"]/g, "\\$&").replaceAll("\n", "\\n");
