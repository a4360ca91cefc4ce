// What stands still by decision: the platform (its kill switch) or the account that signs.
import type { Status } from "../sep/types.ts";

export interface HaltWords {
  title: string;
  text: string;
}

function words({ detail, reason }: NonNullable<Status["halted"]>, rest: string): string {
  return `${(detail || reason).replace(/\.$/, "")}. ${rest}`;
}

export function haltsOf({ halted, signer }: Status): HaltWords[] {
  const account = signer?.halted;
  return [
    ...(halted
      ? [{ title: "Halted: no new work.", text: words(halted, "What is under way is followed to its end.") }]
      : []),
    ...(account
      ? [
          {
            title: "Account halted: nothing new is sent.",
            text: words(account, "What was sent is followed to its end."),
          },
        ]
      : []),
  ];
}
