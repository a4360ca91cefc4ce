// The measured stages of GET /stats, in the order of an intent's way, under names for people.
const labels: Readonly<Record<string, string>> = {
  validation: "Validate",
  risk: "Risk",
  planning: "Plan",
  append: "Commit",
  post: "Submit answered",
  broadcast: "Broadcast",
  prechain: "Pre-chain",
  event_to_ui: "Event to page",
};
export const stageOrder: readonly string[] = Object.keys(labels);
export const stageLabel = (name: string): string => labels[name] ?? name;
