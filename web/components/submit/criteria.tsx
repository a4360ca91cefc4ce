"use client";
// What must hold besides, so that the execution counts as a success. Folded away: most intents need none.
import { useEffect, useId, useState } from "react";
import { ChevronDown, ChevronRight, Cross, Plus } from "@/components/ui/icons.tsx";
import { Button, cx } from "@/components/ui/kit.tsx";
import { counted } from "@/lib/format/text.ts";
import type { Token } from "@/lib/sep/types.ts";
import { flowOf, metrics, metricWords } from "@/lib/submit/document.ts";
import {
  maxCriteria,
  pairOf,
  withChangedCriterion,
  withCriterion,
  withoutCriterion,
  type CriterionRow,
  type Metric,
} from "@/lib/submit/form.ts";
import { edit, FieldFault, inputLook, useFault } from "./fields.tsx";
import { useSubmit } from "./state.ts";

export function Criteria({ tokens }: { tokens: readonly Token[] }) {
  const id = useId();
  const criteria = useSubmit((state) => state.form.criteria);
  const atFault = useSubmit((state) => Object.keys(state.faults).some((field) => field.startsWith("criteria.")));
  const [open, setOpen] = useState(false);
  useEffect(() => {
    if (atFault || criteria.length > 0) setOpen(true);
  }, [atFault, criteria.length]);
  return (
    <div>
      <button
        type="button"
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
        className="-ml-1 flex min-h-6 items-center gap-1 rounded-badge pr-2 text-table font-semibold"
      >
        {open ? <ChevronDown /> : <ChevronRight />}
        Success criteria
        <span className="font-normal text-text2">
          {criteria.length === 0 ? "none" : counted(criteria.length, "criterion", "criteria")}
        </span>
      </button>
      <div id={id} hidden={!open} className="pt-1">
        <p className="text-note text-text2">
          What is known before sending tightens the limit or refuses the intent; all are reported, met or not.
        </p>
        {criteria.map((row, index) => (
          <Row key={row.id} row={row} index={index} tokens={tokens} />
        ))}
        <Button
          className="mt-2"
          disabled={criteria.length >= maxCriteria}
          onClick={() => edit((form) => withCriterion(form))}
        >
          <Plus size={14} />
          Add a criterion
        </Button>
      </div>
    </div>
  );
}

function Row({ row, index, tokens }: { row: CriterionRow; index: number; tokens: readonly Token[] }) {
  const id = useId();
  const form = useSubmit((state) => state.form);
  const metricFault = useFault(`criteria.${index}.metric`);
  const valueFault = useFault(`criteria.${index}.value`);
  const { base, quote } = pairOf(form, tokens);
  const { tokenIn, tokenOut } = flowOf(form.side, base, quote);
  const unit = metricWords[row.metric].unit(tokenIn?.symbol ?? "", tokenOut?.symbol ?? "");
  return (
    <div className="mt-2">
      <div className="flex flex-wrap gap-2 tablet:flex-nowrap">
        <select
          aria-label={`Criterion ${index + 1}`}
          data-field={`criteria.${index}.metric`}
          aria-invalid={metricFault !== undefined}
          aria-describedby={metricFault === undefined ? undefined : `${id}-metric`}
          value={row.metric}
          onChange={(event) =>
            edit((before) => withChangedCriterion(before, row.id, { metric: event.target.value as Metric }))
          }
          className={cx(inputLook(metricFault), "basis-full px-2 tablet:flex-1 tablet:basis-0")}
        >
          {metrics.map((metric) => (
            <option key={metric} value={metric}>
              {metricWords[metric].label}
            </option>
          ))}
        </select>
        <span className="relative min-w-0 flex-1">
          <input
            aria-label={`${metricWords[row.metric].label}, ${unit}`}
            data-field={`criteria.${index}.value`}
            aria-invalid={valueFault !== undefined}
            aria-describedby={valueFault === undefined ? undefined : `${id}-value`}
            inputMode="decimal"
            autoComplete="off"
            value={row.value}
            onChange={(event) => edit((before) => withChangedCriterion(before, row.id, { value: event.target.value }))}
            className={cx(inputLook(valueFault), "pr-[70px]")}
          />
          <span aria-hidden="true" className="pointer-events-none absolute top-2 right-3 text-table text-text2">
            {unit}
          </span>
        </span>
        <button
          type="button"
          aria-label={`Remove criterion ${index + 1}`}
          onClick={() => edit((before) => withoutCriterion(before, row.id))}
          className="flex size-9 shrink-0 items-center justify-center rounded-control text-text2 hover:bg-sunken hover:text-ink"
        >
          <Cross size={14} />
        </button>
      </div>
      <FieldFault id={`${id}-metric`} fault={metricFault} />
      <FieldFault id={`${id}-value`} fault={valueFault} />
    </div>
  );
}
