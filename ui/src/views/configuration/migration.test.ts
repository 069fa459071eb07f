import { expect, it } from "vitest";

import type { MigrationPage } from "~/api/types";

import { concerned, effectOf, tallyOf, walkPages } from "./migration";

const page = (uids: readonly string[], next: string | null): MigrationPage =>
  ({ next, sessions: uids.map((uid) => ({ outcome: "moved", uid })), version: "v" }) as unknown as MigrationPage;

it("walks every page, from the cursor of the one before", async () => {
  const cursors: Array<string | undefined> = [];
  const read = async (after?: string): Promise<MigrationPage> => {
    cursors.push(after);
    return after === undefined ? page(["a", "b"], "b") : page(["c"], null);
  };
  const sessions = await walkPages(read, () => false);
  expect(cursors).toEqual([undefined, "b"]);
  expect(tallyOf(sessions)).toEqual({ moved: 3 });
});

it("ends when it is told to", async () => {
  const sessions = await walkPages(
    async () => page(["a"], "a"),
    (soFar) => soFar.length >= 2,
  );
  expect(sessions).toHaveLength(2);
});

const session = (uid: string, outcome: string, effect: object | null = null) =>
  ({ effect, outcome, removed_tasks: [], uid, why: null }) as unknown as MigrationPage["sessions"][number];

it("sums up what becomes of the instances of all sessions", () => {
  const effect = { abandoned: 1, changed: 0, created: 2, scheduled: 0 };
  const sessions = [session("a", "moved", effect), session("b", "unchanged"), session("c", "moved", effect)];
  expect(effectOf(sessions)).toEqual({ abandoned: 2, changed: 0, created: 4, scheduled: 0 });
});

it("lists refused sessions first, and unchanged ones not at all", () => {
  const sessions = [session("a", "moved"), session("b", "unchanged"), session("c", "refused")];
  expect(concerned(sessions).map(({ uid }) => uid)).toEqual(["c", "a"]);
});
