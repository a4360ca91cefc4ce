"use client";
import Link from "next/link";
import { useEffect, useState } from "react";
import { CircleTick, Cross, OctagonCross } from "@/components/ui/icons.tsx";
import { useToasts, type Toast } from "@/lib/toasts.ts";

const successMs = 6_000;

export function Toasts() {
  const toasts = useToasts((state) => state.toasts);
  return (
    <div className="pointer-events-none fixed right-4 bottom-[76px] left-4 z-40 flex flex-col items-end gap-2 tablet:bottom-4">
      {toasts.map((toast) => (
        <Card key={toast.id} toast={toast} />
      ))}
    </div>
  );
}

function Card({ toast }: { toast: Toast }) {
  const dismiss = useToasts((state) => state.dismiss);
  const [held, setHeld] = useState(false);
  useEffect(() => {
    if (held || toast.kind === "error") return;
    const timer = setTimeout(() => dismiss(toast.id), successMs);
    return () => clearTimeout(timer);
  }, [held, toast, dismiss]);
  const failed = toast.kind === "error";
  return (
    <div
      role={failed ? "alert" : "status"}
      onMouseEnter={() => setHeld(true)}
      onMouseLeave={() => setHeld(false)}
      className="pointer-events-auto flex w-full max-w-[360px] gap-3 rounded-panel border border-line bg-surface p-3 shadow-lg"
    >
      <span className={failed ? "mt-0.5 text-red" : "mt-0.5 text-green"}>
        {failed ? <OctagonCross /> : <CircleTick />}
      </span>
      <div className="min-w-0 flex-1 text-table wrap-anywhere">
        <p className="font-semibold">{toast.title}</p>
        {toast.text !== undefined && <p className="mt-0.5 text-text2">{toast.text}</p>}
      </div>
      {toast.link && (
        <Link
          href={toast.link.href}
          prefetch={false}
          className="text-table text-text2 underline-offset-2 hover:underline"
        >
          {toast.link.label}
        </Link>
      )}
      {failed && (
        <button
          type="button"
          aria-label="Dismiss"
          onClick={() => dismiss(toast.id)}
          className="flex size-6 items-center justify-center rounded-badge text-text2 hover:bg-sunken"
        >
          <Cross size={14} />
        </button>
      )}
    </div>
  );
}
