"use client";
import Link from "next/link";
import { shortHash } from "@/lib/format/text.ts";
import { useRuns } from "./use-intent.ts";

export function Breadcrumb({ intentId }: { intentId: string }) {
  const runs = useRuns();
  return (
    <nav aria-label="Breadcrumb" className="h-6 text-table text-text2">
      <ol className="flex items-center gap-2">
        <li>
          <Link href="/" prefetch={false} className="inline-flex h-6 items-center underline-offset-2 hover:underline">
            Dashboard
          </Link>
        </li>
        {runs && (
          <li aria-current="page" className="flex gap-2">
            <span aria-hidden="true">/</span>
            <span className="font-mono" title={intentId}>
              {shortHash(intentId)}
            </span>
          </li>
        )}
      </ol>
    </nav>
  );
}
