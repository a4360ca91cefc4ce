"use client";
import { ButtonLink, Empty, Panel } from "@/components/ui/kit.tsx";
import { useTitle } from "@/lib/title.ts";
import { Breadcrumb } from "./breadcrumb.tsx";

export function NotFound({ intentId, malformed }: { intentId: string; malformed: boolean }) {
  useTitle("No such intent");
  return (
    <>
      <Breadcrumb intentId={intentId} />
      <h1 className="mt-2 text-phone-title font-semibold break-all tablet:text-title">No intent {intentId}</h1>
      <Panel className="mt-4">
        <Empty
          title={malformed ? "This is no intent’s ID" : "The record holds no intent with this ID"}
          action={
            <ButtonLink href="/" prefetch={false}>
              Go to the dashboard
            </ButtonLink>
          }
        >
          {malformed
            ? "An ID has 26 digits and capital letters, like 01J5S3Y4PEJHBJ5A7FYHBXQRFG. Part of the address may be missing."
            : "It may belong to another platform, or to a local chain that was started anew."}
        </Empty>
      </Panel>
    </>
  );
}
