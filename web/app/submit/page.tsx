import type { Metadata } from "next";
import { SubmitPage } from "@/components/submit/submit-page.tsx";

export const metadata: Metadata = { title: "Submit intent" };

export default function Page() {
  return <SubmitPage />;
}
