import { Skeleton } from "@/components/ui/kit.tsx";

/** Rows that stand where a table will be. */
export function Waiting({ rows }: { rows: number }) {
  return (
    <div aria-hidden="true">
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className="flex h-12 items-center gap-6 border-b border-line px-4 last:border-b-0">
          <Skeleton className="h-4 w-28" />
          <Skeleton className="ml-auto h-4 w-1/3" />
        </div>
      ))}
    </div>
  );
}
