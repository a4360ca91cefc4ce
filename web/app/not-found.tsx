import type { Metadata } from "next";
import { ButtonLink, Empty } from "@/components/ui/kit.tsx";

export const metadata: Metadata = { title: "Not found" };

export default function NotFound() {
  return (
    <div className="pt-10">
      <h1 className="sr-only">Not found</h1>
      <Empty title="There is nothing at this address" action={<ButtonLink href="/">Dashboard</ButtonLink>}>
        An intent&apos;s address is /intent/ and its 26 characters.
      </Empty>
    </div>
  );
}
