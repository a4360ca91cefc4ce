// The form in a link: what an intent asked for, to ask for it again.
import { multiply, shift } from "../format/amount.ts";
import type { Intent } from "../sep/types.ts";
import { metrics } from "./document.ts";
import { other, slippagePresets, styles, windowPresets, type CriterionRow, type Form, type Style } from "./form.ts";

/** The submit page, filled in as the intent was. */
export function submitHref(intent: Intent): string {
  const { max_slippage, time_window, execution_style } = intent.constraints;
  const parameters = new URLSearchParams({
    side: intent.intent_type,
    base: intent.assets[0].symbol,
    quote: intent.assets[1].symbol,
    amount: intent.amount,
    slippage: max_slippage,
    window: String(time_window),
    ...(execution_style !== undefined && { style: execution_style }),
    strategy: intent.strategy_id,
  });
  for (const { metric, value } of intent.success_criteria ?? []) parameters.append("criterion", `${metric}:${value}`);
  return `/submit?${parameters}`;
}

/** What the parameters of such a link say of the form; what cannot be read is left out. */
export function formOfQuery(parameters: URLSearchParams): Partial<Form> {
  const given = (name: string): string | undefined => {
    const value = parameters.get(name)?.trim();
    return value === undefined || value === "" ? undefined : value;
  };
  const form: Partial<Form> = {};
  const side = given("side");
  if (side === "acquire" || side === "dispose") form.side = side;
  for (const name of ["base", "quote", "amount", "strategy"] as const) {
    const value = given(name);
    if (value !== undefined) form[name] = value;
  }
  const slippage = given("slippage");
  if (slippage !== undefined && /^\d+(\.\d+)?$/.test(slippage)) {
    const preset = slippagePresets.find((one) => one === slippage);
    form.slippage = preset ?? other;
    if (preset === undefined) form.otherSlippage = multiply(slippage, "100");
  }
  const window = given("window");
  if (window !== undefined && /^\d+$/.test(window)) {
    const preset = windowPresets.find((one) => one === window);
    form.window = preset ?? other;
    if (preset === undefined) form.otherWindow = window;
  }
  const style = given("style");
  if (styles.includes(style as Style)) form.style = style as Style;
  const criteria = parameters.getAll("criterion").flatMap(criterionOf);
  if (criteria.length > 0) form.criteria = criteria;
  return form;
}

function criterionOf(text: string, index: number): CriterionRow[] {
  const [name, value = ""] = text.split(":");
  const metric = metrics.find((one) => one === name);
  if (metric === undefined || !/^\d+(\.\d+)?$/.test(value)) return [];
  // The form states an impact in percent and a time in seconds.
  const stated =
    metric === "max_price_impact" ? multiply(value, "100") : metric === "complete_within_ms" ? shift(value, 3) : value;
  return [{ id: index + 1, metric, value: stated }];
}
