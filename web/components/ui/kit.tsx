"use client";
// The pieces that every page is made of.
import {
  useEffect,
  useId,
  useRef,
  useState,
  type ButtonHTMLAttributes,
  type ComponentProps,
  type ReactNode,
} from "react";
import type { BadgeState, Hue } from "@/lib/intent/badge.ts";
import { formatAmount, type Rounding } from "@/lib/format/amount.ts";
import { formatClock, formatFullTime, formatWhen, zoneName, type Precision } from "@/lib/format/time.ts";
import { ApiProblem } from "@/lib/sep/api.ts";
import { useZone } from "@/lib/preferences.ts";
import { useMinute } from "@/lib/use-loaded.ts";
import { AppLink } from "./app-link.tsx";
import { BadgeIcon, CopyIcon, OctagonCross, Tick } from "./icons.tsx";

export const cx = (...names: (string | false | undefined)[]): string => names.filter(Boolean).join(" ");

export const textOf: Readonly<Record<Hue, string>> = {
  grey: "text-grey",
  blue: "text-blue",
  amber: "text-amber",
  green: "text-green",
  red: "text-red",
};
export const tintOf: Readonly<Record<Hue, string>> = {
  grey: "bg-grey-tint text-grey",
  blue: "bg-blue-tint text-blue",
  amber: "bg-amber-tint text-amber",
  green: "bg-green-tint text-green",
  red: "bg-red-tint text-red",
};
export const fillOf: Readonly<Record<Hue, string>> = {
  grey: "bg-grey-fill",
  blue: "bg-blue-fill",
  amber: "bg-amber-fill",
  green: "bg-green-fill",
  red: "bg-red-fill",
};

/** A state: icon, label, and a count where it has one. */
export function Badge({ state }: { state: BadgeState }) {
  return (
    <span
      className={cx(
        "inline-flex h-[22px] items-center gap-1.5 rounded-badge px-1.5 text-note font-semibold whitespace-nowrap",
        tintOf[state.hue],
      )}
    >
      <BadgeIcon name={state.name} />
      {state.label}
      {state.count !== undefined && <span>{state.count}</span>}
    </span>
  );
}

export function Tag({ children }: { children: ReactNode }) {
  return (
    <span className="inline-block rounded-badge border border-line px-1.5 text-note whitespace-nowrap text-text2">
      {children}
    </span>
  );
}

export function Key({ children }: { children: ReactNode }) {
  return (
    <kbd className="inline-flex min-w-5 items-center justify-center rounded-key border border-current/30 px-1 font-sans text-note text-current">
      {children}
    </kbd>
  );
}

/** A titled box; a landmark of its own where it has a title. */
export function Panel({
  title,
  note,
  aside,
  children,
  className,
}: {
  title?: ReactNode;
  note?: ReactNode;
  aside?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  const id = useId();
  return (
    <section
      aria-labelledby={title === undefined ? undefined : id}
      className={cx("min-w-0 rounded-panel border border-line bg-surface", className)}
    >
      {title !== undefined && (
        <div className="flex min-h-12 flex-wrap items-center gap-x-2 border-b border-line px-4 py-2">
          <h2 id={id} className="text-body font-semibold">
            {title}
          </h2>
          {note !== undefined && <span className="text-note text-text3">{note}</span>}
          {aside !== undefined && <div className="ml-auto text-table">{aside}</div>}
        </div>
      )}
      {children}
    </section>
  );
}

type Look = "ink" | "plain" | "danger" | "quiet";
const looks: Readonly<Record<Look, string>> = {
  ink: "bg-ink text-on-ink hover:bg-ink/88 border border-ink",
  plain: "border border-control text-ink hover:bg-sunken",
  danger: "border border-control text-red hover:bg-red-tint",
  quiet: "text-text2 hover:bg-sunken border border-transparent",
};
const buttonBase =
  "inline-flex min-h-8 items-center justify-center gap-2 rounded-control px-3 py-1 text-table font-medium whitespace-nowrap disabled:opacity-55";

export function Button({
  look = "plain",
  className,
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & { look?: Look }) {
  return <button type="button" className={cx(buttonBase, looks[look], className)} {...rest} />;
}
export function ButtonLink({ look = "plain", className, ...rest }: ComponentProps<typeof AppLink> & { look?: Look }) {
  return <AppLink className={cx(buttonBase, looks[look], className)} {...rest} />;
}

/** One of a few: a radio group that looks like a switch. */
export function Segmented<T extends string>({
  label,
  options,
  value,
  onChange,
}: {
  label: string;
  options: readonly { value: T; label: string }[];
  value: T;
  onChange: (value: T) => void;
}) {
  const name = useId();
  return (
    <fieldset className="flex rounded-control border border-line bg-surface p-[3px]">
      <legend className="sr-only">{label}</legend>
      {options.map((option) => (
        <label
          key={option.value}
          className={cx(
            "cursor-pointer rounded-badge border px-2.5 py-0.5 text-table whitespace-nowrap has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-focus",
            option.value === value
              ? "border-line bg-sunken font-semibold text-ink"
              : "border-transparent text-text2 hover:text-ink",
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
        </label>
      ))}
    </fieldset>
  );
}

/** Copies a text, and says that it did. */
export function Copy({ text, label, children }: { text: string; label: string; children?: ReactNode }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      () => setCopied(false),
    );
  };
  return (
    <button
      type="button"
      onClick={copy}
      aria-label={children === undefined ? label : undefined}
      title={label}
      className={cx(
        children === undefined
          ? "inline-flex size-6 items-center justify-center rounded-badge text-text3 hover:bg-sunken hover:text-ink"
          : cx(buttonBase, looks.plain),
      )}
    >
      {copied ? <Tick size={14} /> : <CopyIcon size={14} />}
      {children}
      <span role="status" className="sr-only">
        {copied ? "Copied" : ""}
      </span>
    </button>
  );
}

/** An amount in short, with its full value on hover and for copying. */
export function Amount({
  text,
  stable,
  symbol,
  rounding = "nearest",
}: {
  text: string;
  stable: boolean;
  symbol?: string;
  rounding?: Rounding;
}) {
  return (
    <span title={symbol === undefined ? text : `${text} ${symbol}`} className="whitespace-nowrap">
      {formatAmount(text, stable, rounding)}
      {symbol !== undefined && ` ${symbol}`}
    </span>
  );
}

/** A moment, in the zone that the reader chose, with its day where that is not today; the line may break behind it. */
export function Time({
  at,
  precision = "second",
  zone: withZone,
}: {
  at: string | number;
  precision?: Precision;
  zone?: boolean;
}) {
  const zone = useZone();
  const [clock, day] = formatWhen(at, zone, useMinute(), precision).split(" ").reverse();
  return (
    <time dateTime={new Date(at).toISOString()} title={formatFullTime(at, zone)}>
      {day !== undefined && (
        <>
          <span className="whitespace-nowrap">{day}</span>{" "}
        </>
      )}
      <span className="whitespace-nowrap">
        {clock}
        {withZone && ` ${zoneName(zone)}`}
      </span>
    </time>
  );
}

/** Stands where data will be, in its final size; shown only when loading takes long. */
export function Skeleton({ className }: { className?: string }) {
  return (
    <span aria-hidden="true" className={cx("appear-late block rounded-badge bg-sunken", className ?? "h-4 w-full")} />
  );
}

export function Notice({
  hue,
  icon,
  children,
  role,
}: {
  hue: Hue;
  icon: ReactNode;
  children: ReactNode;
  role?: "alert" | "status";
}) {
  return (
    <div role={role} className={cx("flex gap-2.5 rounded-control px-3 py-2 text-table", tintOf[hue])}>
      <span className="mt-0.5">{icon}</span>
      <div className="min-w-0">{children}</div>
    </div>
  );
}

/** What a failed load says: what, why, when, and what is shown instead. */
export function LoadError({
  what,
  problem,
  dataFrom,
  onRetry,
}: {
  what: string;
  problem: ApiProblem;
  dataFrom?: number | undefined;
  onRetry: () => void;
}) {
  const zone = useZone();
  const now = useMinute();
  const at = formatClock(problem.at, zone);
  const answer = problem.status === 0 ? `${upper(problem.message)}` : `The server answered ${problem.status}`;
  const details = JSON.stringify({
    what,
    status: problem.status,
    code: problem.code,
    detail: problem.message,
    instance: problem.instance,
    at: problem.at.toISOString(),
  });
  return (
    <div className="p-4">
      <Notice hue="red" icon={<OctagonCross />} role="status">
        <strong className="font-semibold">Could not load {what}.</strong> {answer} at {at} {zoneName(zone)}
        {problem.status !== 0 && `: ${problem.message}`}.
        {dataFrom !== undefined && ` Showing data from ${formatWhen(dataFrom, zone, now)}.`}
      </Notice>
      <div className="mt-3 flex gap-2">
        <Button onClick={onRetry}>Try again</Button>
        <Copy text={details} label="Copy details">
          Copy details
        </Copy>
      </div>
    </div>
  );
}
const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return (
    <div className="flex flex-col items-center px-6 py-12 text-center">
      <p className="font-semibold wrap-anywhere">{title}</p>
      {children !== undefined && <p className="mt-2 max-w-80 text-table text-text2">{children}</p>}
      {action !== undefined && <div className="mt-4">{action}</div>}
    </div>
  );
}

/** A label and its value on one line of a list of facts. */
export function Fact({ label, note, children }: { label: ReactNode; note?: ReactNode; children: ReactNode }) {
  return (
    <div className="flex items-start justify-between gap-4 border-b border-line py-2.5 last:border-b-0">
      <dt className="text-table text-text2">
        {label}
        {note !== undefined && <span className="block text-note text-text3">{note}</span>}
      </dt>
      <dd className="min-w-0 text-right text-table">{children}</dd>
    </div>
  );
}

/** True while a press of the mouse or the keyboard's focus is inside. */
export function useFocusWithin<T extends HTMLElement>() {
  const ref = useRef<T>(null);
  const [inside, setInside] = useState(false);
  return {
    ref,
    inside,
    handlers: {
      onFocus: () => setInside(true),
      onBlur: (event: { relatedTarget: EventTarget | null }) =>
        setInside(ref.current?.contains(event.relatedTarget as Node | null) ?? false),
    },
  };
}
