// What the dashboard says of what a person should look at, in sentences.

/** That there may be more than the `shown` ones, as `missing` could not be loaded; undefined where nothing is. */
export function untoldWords(shown: number, missing: string | undefined): string | undefined {
  if (missing === undefined) return undefined;
  return `${shown === 0 ? "Not known" : "There may be more"}: ${missing} could not be loaded.`;
}
