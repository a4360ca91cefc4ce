"use client";
import { useRouter } from "next/navigation";
import { flushSync } from "react-dom";
import { useId, useRef, useState, type FormEvent } from "react";
import { Search } from "@/components/ui/icons.tsx";
import { cx, Key } from "@/components/ui/kit.tsx";
import { api, ApiProblem } from "@/lib/sep/api.ts";
import { useShortcut } from "@/lib/shortcuts.ts";

/** Where a typed identifier or transaction hash leads, or what to say. */
async function find(typed: string): Promise<{ href: string } | { fault: string }> {
  const text = typed.trim();
  const id = text.replace(/^intent-/i, "").toUpperCase();
  try {
    if (/^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(id)) {
      await api.intent(id);
      return { href: `/intent/${id}` };
    }
    if (/^0x[0-9a-f]{64}$/i.test(text)) {
      const [view] = (await api.intents({ txHash: text.toLowerCase() })).intents;
      return view ? { href: `/intent/${view.intent_id}` } : { fault: "No intent made this transaction." };
    }
    return { fault: "Neither an intent's identifier nor a transaction hash." };
  } catch (error) {
    if (error instanceof ApiProblem && error.status === 404) return { fault: "There is no such intent." };
    return { fault: `Could not look: ${error instanceof Error ? error.message : "unknown"}.` };
  }
}

export function FindIntent() {
  const router = useRouter();
  const field = useRef<HTMLInputElement>(null);
  const faultId = useId();
  const [open, setOpen] = useState(false);
  const [fault, setFault] = useState<string>();
  useShortcut("/", () => {
    // At once: what is typed next belongs to the field.
    flushSync(() => setOpen(true));
    field.current?.focus();
  });

  const search = async (event: FormEvent) => {
    event.preventDefault();
    const typed = field.current?.value ?? "";
    if (typed.trim() === "") return;
    const found = await find(typed);
    if ("fault" in found) return setFault(found.fault);
    setFault(undefined);
    setOpen(false);
    if (field.current) field.current.value = "";
    field.current?.blur();
    router.push(found.href);
  };

  return (
    <search className="flex min-w-0 tablet:relative">
      <button
        type="button"
        aria-label="Find intent or hash"
        aria-expanded={open}
        onClick={() => {
          setOpen(!open);
          if (!open) requestAnimationFrame(() => field.current?.focus());
        }}
        className="hidden size-8 items-center justify-center rounded-control text-text2 hover:bg-sunken tablet:flex search:hidden"
      >
        <Search />
      </button>
      <form
        onSubmit={search}
        className={cx(
          "items-center gap-2 rounded-control border border-line bg-surface px-2.5 has-focus-visible:outline-2 has-focus-visible:outline-offset-2 has-focus-visible:outline-focus",
          "search:static search:flex search:h-8 search:w-[210px] search:min-w-0",
          open ? "absolute top-12 right-4 left-4 flex h-10 tablet:right-0 tablet:left-auto tablet:w-[280px]" : "hidden",
        )}
      >
        <Search size={14} className="shrink-0 text-text3" />
        <input
          ref={field}
          type="text"
          aria-label="Find intent or hash"
          aria-describedby={fault === undefined ? undefined : faultId}
          aria-invalid={fault !== undefined}
          placeholder="Find intent or hash"
          autoComplete="off"
          spellCheck={false}
          onChange={() => setFault(undefined)}
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            setOpen(false);
            setFault(undefined);
            event.currentTarget.blur();
          }}
          className="min-w-0 flex-1 bg-transparent text-table outline-none placeholder:text-text3"
        />
        <span className="hidden text-text3 search:inline">
          <Key>/</Key>
        </span>
      </form>
      <p
        id={faultId}
        role="status"
        className={cx(
          "absolute top-[92px] right-4 w-[280px] tablet:right-0 rounded-control border border-line bg-surface px-3 py-2 text-table text-red shadow-lg search:right-auto search:top-11",
          fault === undefined && "sr-only",
        )}
      >
        {fault}
      </p>
    </search>
  );
}
