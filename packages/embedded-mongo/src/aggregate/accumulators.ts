/** Accumulators as expressions: over the elements of one array, or over several operands. */
import { doubleRaw, intRaw, nullRaw } from "../bson/make.ts";
import { items, numberOf, type Raw, Type } from "../bson/raw.ts";
import { compareValues } from "../compare.ts";
import { present, Sum } from "./arithmetic.ts";
import { define, operands } from "./expression.ts";

/** Square root of the mean squared distance from the mean (Welford's method); null of too few numbers. */
export class Deviation {
  private count = 0;
  private mean = 0;
  private squares = 0;
  private readonly less: number;

  /** @param less 1 for a sample, 0 for the whole */
  constructor(less: 0 | 1) {
    this.less = less;
  }

  add(value: Raw): void {
    const x = numberOf(value);
    this.count++;
    const delta = x - this.mean;
    this.mean += delta / this.count;
    this.squares += delta * (x - this.mean);
  }

  result(): Raw {
    const of = this.count - this.less;
    return of <= 0 ? nullRaw : doubleRaw(Math.sqrt(this.squares / of));
  }
}

function accumulator(name: string, work: (values: readonly Raw[]) => Raw): void {
  define({
    [name]: (operand, names) => {
      const parts = operands(operand, names);
      return (scope) => {
        const values = parts.map((part) => part(scope)).filter(present);
        const [single] = values;
        // Of several operands, an array is one value. A single array operand means its elements.
        const spread =
          parts.length === 1 && single?.type === Type.array ? items(single).filter(present) : values;
        return work(spread);
      };
    },
  });
}

const numbers = (values: readonly Raw[]): Raw[] => values.filter((value) => value.isNumber());

function summed(values: readonly Raw[]): Sum {
  const sum = new Sum();
  for (const value of numbers(values)) sum.add(value);
  return sum;
}

function deviation(values: readonly Raw[], less: 0 | 1): Raw {
  const found = new Deviation(less);
  for (const value of numbers(values)) found.add(value);
  return found.result();
}

const extreme = (values: readonly Raw[], sign: number): Raw =>
  values.reduce<Raw | undefined>(
    (best, value) => (best === undefined || compareValues(value, best) * sign > 0 ? value : best),
    undefined,
  ) ?? nullRaw;

accumulator("$sum", (values) => (values.length === 0 ? intRaw(0) : summed(values).result()));
accumulator("$avg", (values) => summed(values).mean());
accumulator("$min", (values) => extreme(values, -1));
accumulator("$max", (values) => extreme(values, 1));
accumulator("$stdDevPop", (values) => deviation(values, 0));
accumulator("$stdDevSamp", (values) => deviation(values, 1));
