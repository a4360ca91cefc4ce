import type { Metadata } from "next";
import { Positions } from "@/components/positions/positions.tsx";

export const metadata: Metadata = {
  title: "Positions",
  description: "What each strategy holds by its fills, and what it has gained.",
};

export default function Page() {
  return <Positions />;
}
