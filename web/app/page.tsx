import type { Metadata } from "next";
import { Suspense } from "react";
import { Dashboard, DashboardView } from "@/components/dashboard/dashboard.tsx";

import { usualFilter } from "@/lib/intent/list-filter.ts";

export const metadata: Metadata = { title: "Dashboard" };

export default function Page() {
  return (
    // What is built ahead is the page without a query; the real one takes its place without a move.
    <Suspense fallback={<DashboardView filter={usualFilter} />}>
      <Dashboard />
    </Suspense>
  );
}
