// The totals of a window in words.
import { divide, multiply, roundTo } from "../format/amount.ts";
import { formatCount } from "../format/text.ts";
import type { Bucket } from "../sep/types.ts";

type Counts = Pick<Bucket, "completed" | "failed" | "rejected" | "expired" | "cancelled">;

export interface Success {
  /** Percent, with one decimal, cut; undefined where none ran to its end. */
  percent: string | undefined;
  /** Of how many, as in the API's success_denominator: what the rules refused or its owner cancelled is not judged. */
  of: number;
  note: string;
}

export function successOf({ completed, failed, expired, rejected, cancelled }: Counts): Success {
  const of = completed + failed + expired;
  const others = rejected + cancelled;
  const rate = divide(String(completed), String(of), 6);
  if (rate === undefined)
    return { percent: undefined, of, note: `none${others === 0 ? "" : ` of ${formatCount(others)}`} ran to its end` };
  return {
    percent: roundTo(multiply(rate, "100"), 1, "down"),
    of,
    note: `${formatCount(completed)} of ${formatCount(of)} that ran to their end${others === 0 ? "" : `, ${formatCount(others)} did not`}`,
  };
}
