import { expect, it } from "vitest";

import type { MigrationPage } from "~/api/types";

import { tallyOf, walkPages } from "./migration";

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
