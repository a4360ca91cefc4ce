import type { Metadata } from "next";
import { Docs } from "@/components/docs/docs.tsx";

export const metadata: Metadata = {
  title: "API",
  description: "Every call, document, event and error code of the platform's API.",
};

export default function Page() {
  return <Docs />;
}
