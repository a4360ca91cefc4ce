import type { Metadata } from "next";
import Link from "next/link";
import { System } from "@/components/system/system.tsx";

export const metadata: Metadata = {
  title: "System health",
  description: "Every part of the platform: what answers, how far each reader is, how long each stage takes.",
};

export default function Page() {
  return (
    <>
      <div className="mb-4 flex min-h-9 items-center justify-between gap-4">
        <h1 className="text-phone-title font-semibold tablet:text-title">System health</h1>
        <Link
          href="/docs"
          prefetch={false}
          className="inline-flex min-h-6 items-center text-table underline underline-offset-2"
        >
          API description
        </Link>
      </div>
      <System />
    </>
  );
}
