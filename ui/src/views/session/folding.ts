/** Folds the history: ends of tasks that touched nothing are left out until the reader wants them. */
import type { HistoryEntry } from "~/api/types";

/** A task's end that touched nothing: a fire of a task's name without an effect. */
export const isQuiet = (entry: HistoryEntry, taskNames: ReadonlySet<string>): boolean =>
  entry.kind === "fire" &&
  "trigger" in entry &&
  taskNames.has(entry.trigger) &&
  entry.touched.length === 0 &&
  entry.created.length === 0;

export type Folded = { readonly quietCount: number; readonly shown: readonly HistoryEntry[] };

/** The entries to show, in their order, and how many of them are quiet. */
export const foldedHistory = (
  entries: readonly HistoryEntry[],
  taskNames: ReadonlySet<string>,
  { showsQuiet }: { readonly showsQuiet: boolean },
): Folded => {
  const loud = entries.filter((entry) => !isQuiet(entry, taskNames));
  return { quietCount: entries.length - loud.length, shown: showsQuiet ? entries : loud };
};
