import type { Metadata } from "next";
import { IntentPage } from "@/components/intent/intent-page.tsx";

export const metadata: Metadata = { title: "Intent" };
export const dynamicParams = false;

/** One page for all intents: the identifier is read from the address where the page runs. */
export function generateStaticParams() {
  return [{ id: "_" }];
}

export default function Page() {
  return <IntentPage />;
}
