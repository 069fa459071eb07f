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

type Effect = NonNullable<SessionMigration["effect"]>;

const NO_EFFECT: Effect = { abandoned: 0, changed: 0, created: 0, scheduled: 0 };

/** What becomes of the instances of all sessions together. */
export const effectOf = (sessions: readonly SessionMigration[]): Effect => {
  const sum = { ...NO_EFFECT };
  for (const { effect } of sessions) {
    for (const key of Object.keys(sum) as Array<keyof Effect>) {
      sum[key] += effect?.[key] ?? 0;
    }
  }
  return sum;
};

/** The sessions of which there is something to say: refused ones first, unchanged ones not at all. */
export const concerned = (sessions: readonly SessionMigration[]): readonly SessionMigration[] => [
  ...sessions.filter(({ outcome }) => outcome === "refused"),
  ...sessions.filter(({ outcome }) => outcome === "moved"),
];

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
