import { expect, it } from "vitest";

import type { Act, InstanceSummary } from "~/api/types";

import { actsOfMany } from "./acts";

const instance = (replay: Act): InstanceSummary => ({ acts: { replay } }) as unknown as InstanceSummary;

const YES: Act = { allowed: true, reason: null };
const NO: Act = { allowed: false, reason: "You may not create runs." };

it("allows for many what is allowed for one of them", () => {
  expect(actsOfMany([instance(NO), instance(YES)])).toEqual({ replay: YES });
});

it("gives a reason when nothing is allowed", () => {
  expect(actsOfMany([instance(NO), instance(NO)])).toEqual({ replay: NO });
});

it("says nothing of acts that nobody has spoken of", () => {
  expect(actsOfMany([])).toEqual({});
});
