// Tables of figures: a head in small type, lines between rows, numbers to the right.
import type { ReactNode, TdHTMLAttributes, ThHTMLAttributes } from "react";
import { cx } from "@/components/ui/kit.tsx";

/** `caption` names the table for those who do not see the panel's title above it. */
export function Table({ caption, children, className }: { caption: string; children: ReactNode; className?: string }) {
  return (
    <table
      className={cx(
        "w-full border-collapse text-table [&_td]:px-1 [&_td]:py-2.5 [&_td]:align-top [&_th]:px-1 tablet:[&_td]:px-2 tablet:[&_th]:px-2 [&_tr>:first-child]:pl-4 [&_tr>:last-child]:pr-4",
        className,
      )}
    >
      <caption className="sr-only">{caption}</caption>
      {children}
    </table>
  );
}

export function Head({ children }: { children: ReactNode }) {
  return (
    <thead>
      <tr className="border-b border-line">{children}</tr>
    </thead>
  );
}

export function Column({ number, className, ...rest }: ThHTMLAttributes<HTMLTableCellElement> & { number?: boolean }) {
  return (
    <th
      scope="col"
      className={cx(
        "py-2 align-bottom text-note font-normal text-text3",
        number ? "text-right" : "text-left",
        className,
      )}
      {...rest}
    />
  );
}

export function Row({ children, className }: { children: ReactNode; className?: string }) {
  return <tr className={cx("border-b border-line last:border-b-0", className)}>{children}</tr>;
}

/** The cell that names its row. */
export function RowHead({ className, ...rest }: ThHTMLAttributes<HTMLTableCellElement>) {
  return <th scope="row" className={cx("py-2.5 text-left align-top font-normal", className)} {...rest} />;
}

export function NumberCell({ className, ...rest }: TdHTMLAttributes<HTMLTableCellElement>) {
  return <td className={cx("text-right whitespace-nowrap", className)} {...rest} />;
}

/** A second, quieter line in a cell. */
export function Under({ children, className }: { children: ReactNode; className?: string }) {
  return <span className={cx("block text-note text-text3", className)}>{children}</span>;
}
