import type { Metadata } from "next";
import { Suspense } from "react";
import { Positions, PositionsFrame } from "@/components/positions/positions.tsx";

export const metadata: Metadata = {
  title: "Positions",
  description: "What each strategy holds by its fills, and what it has gained.",
};

export default function Page() {
  return (
    <Suspense fallback={<PositionsFrame />}>
      <Positions />
    </Suspense>
  );
}
