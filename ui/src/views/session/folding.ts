/** Folds the history: ends of tasks that touched nothing, one after the other, become one line. */
import type { HistoryEntry } from "~/api/types";

export type Line = { readonly entry: HistoryEntry; readonly kind: "entry" } | { readonly entries: readonly HistoryEntry[]; readonly kind: "folded" };

/** A task's end that touched nothing: a fire of a task's name without an effect. */
export const isQuiet = (entry: HistoryEntry, taskNames: ReadonlySet<string>): boolean =>
  entry.kind === "fire" &&
  "trigger" in entry &&
  taskNames.has(entry.trigger) &&
  entry.touched.length === 0 &&
  entry.created.length === 0;

/** The lines to show, in the order of the entries. A single quiet entry is folded, too: it tells nothing. */
export const foldedLines = (entries: readonly HistoryEntry[], taskNames: ReadonlySet<string>): readonly Line[] => {
  const lines: Line[] = [];
  for (const entry of entries) {
    const last = lines.at(-1);
    if (!isQuiet(entry, taskNames)) {
      lines.push({ entry, kind: "entry" });
    } else if (last?.kind === "folded") {
      lines[lines.length - 1] = { entries: [...last.entries, entry], kind: "folded" };
    } else {
      lines.push({ entries: [entry], kind: "folded" });
    }
  }
  return lines;
};
