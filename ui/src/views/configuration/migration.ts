/** A migration of many sessions: page after page, with what became of each. */
import type { MigrationPage } from "~/api/types";

export type SessionMigration = MigrationPage["sessions"][number];

/** By outcome: how many sessions. */
export type Tally = Readonly<Record<string, number>>;

export const tallyOf = (sessions: readonly SessionMigration[]): Tally => {
  const tally: Record<string, number> = {};
  for (const { outcome } of sessions) {
    tally[outcome] = (tally[outcome] ?? 0) + 1;
  }
  return tally;
};

/** Walks all pages. `onPage` gets what is done so far; true ends the walk. */
export const walkPages = async (
  read: (after?: string) => Promise<MigrationPage>,
  onPage: (sessions: readonly SessionMigration[]) => boolean,
): Promise<readonly SessionMigration[]> => {
  const sessions: SessionMigration[] = [];
  let after: string | undefined;
  do {
    const page = await read(after);
    sessions.push(...page.sessions);
    after = page.next ?? undefined;
  } while (!onPage(sessions) && after !== undefined);
  return sessions;
};
