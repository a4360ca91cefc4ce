"use client";
// What fields of the form are made of.
import { useId, type ReactNode } from "react";
import { Warning } from "@/components/ui/icons.tsx";
import { cx } from "@/components/ui/kit.tsx";
import type { Field } from "@/lib/submit/document.ts";
import { submitStore, useSubmit } from "./state.ts";

export const useFault = (field: Field): string | undefined => useSubmit((state) => state.faults[field]);

/** Under a field: what is wrong with it. */
export function FieldFault({ id, fault }: { id: string; fault: string | undefined }) {
  if (fault === undefined) return null;
  return (
    <p id={id} className="mt-1.5 flex gap-1.5 text-note text-red">
      <Warning size={14} className="mt-px shrink-0" />
      {fault}
    </p>
  );
}

export const inputBase =
  "min-h-9 w-full min-w-0 rounded-control border bg-surface px-3 py-1.5 text-table text-ink placeholder:text-text3";
export const inputLook = (fault: string | undefined): string =>
  cx(inputBase, fault === undefined ? "border-control" : "border-red");

export interface Choice<T extends string> {
  value: T;
  label: string;
  /** A line beneath. */
  note?: ReactNode;
}

/** One of a few, each a button in its own right; a radio group. */
export function Choices<T extends string>({
  field,
  label,
  note,
  options,
  value,
  onChange,
  fault,
  className,
  children,
}: {
  field?: Field;
  label: string;
  /** Beside the label, for what the choice amounts to. */
  note?: ReactNode;
  options: readonly Choice<T>[];
  value: T | undefined;
  onChange: (value: T) => void;
  fault?: string | undefined;
  /** How the options are laid out. */
  className: string;
  children?: ReactNode;
}) {
  const name = useId();
  return (
    <fieldset
      data-field={field}
      aria-describedby={fault === undefined ? undefined : `${name}-fault`}
      className="min-w-0"
    >
      <legend className="float-left text-table font-semibold">{label}</legend>
      <span className="float-right min-h-5 text-table text-text2">{note}</span>
      <div className={cx("clear-both gap-2 pt-2", className)}>
        {options.map((option) => (
          <label
            key={option.value}
            className={cx(
              "min-w-0 cursor-pointer rounded-control bg-surface text-table has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-focus",
              option.note === undefined
                ? "flex items-center justify-center px-1 py-[7px] text-center"
                : "block px-3 py-2.5",
              // The thicker line of the chosen one takes no room of its own.
              option.value === value
                ? "border border-ink font-semibold shadow-[inset_0_0_0_1px_var(--ink)]"
                : "border border-control hover:bg-sunken",
            )}
          >
            <input
              type="radio"
              name={name}
              className="sr-only"
              checked={option.value === value}
              onChange={() => onChange(option.value)}
            />
            {option.label}
            {option.note !== undefined && (
              <span className="mt-0.5 block text-note font-normal text-text2">{option.note}</span>
            )}
          </label>
        ))}
      </div>
      {children}
      <FieldFault id={`${name}-fault`} fault={fault} />
    </fieldset>
  );
}

/** Where "Other" is chosen: the value itself. */
export function OtherInput({
  field,
  label,
  unit,
  placeholder,
  value,
  onChange,
}: {
  field: Field;
  label: string;
  unit?: string;
  placeholder: string;
  value: string;
  onChange: (value: string) => void;
}) {
  const id = useId();
  const fault = useFault(field);
  return (
    <span className="relative mt-2 block">
      <input
        aria-label={label}
        aria-invalid={fault !== undefined}
        aria-describedby={fault === undefined ? undefined : `${id}-fault`}
        inputMode={unit === undefined ? "text" : "decimal"}
        autoComplete="off"
        placeholder={placeholder}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        className={cx(inputLook(fault), unit !== undefined && "pr-9")}
      />
      {unit !== undefined && (
        <span aria-hidden="true" className="pointer-events-none absolute top-2 right-3 text-table text-text2">
          {unit}
        </span>
      )}
      <FieldFault id={`${id}-fault`} fault={fault} />
    </span>
  );
}

/** Puts the focus where a fault is shown. */
export function focusField(field: Field): void {
  const place = document.querySelector(`[data-field="${CSS.escape(field)}"]`);
  const target = place?.matches("input, select, button")
    ? place
    : (place?.querySelector("[aria-invalid=true]") ?? place?.querySelector("input:checked, input, select, button"));
  if (target instanceof HTMLElement) target.focus();
}

/**
 * The largest size in which an amount of so many characters stays on one line of its container, which must be an
 * inline-size container: a bound is never cut short.
 */
export const amountSize = (characters: number) => ({
  fontSize: `clamp(13px, ${(100 / Math.max(characters, 1) / widestFigureEm).toFixed(2)}cqw, 28px)`,
});
/** Of a semibold figure in the widest of the system fonts. */
const widestFigureEm = 0.7;

export const edit = submitStore.getState().edit;
