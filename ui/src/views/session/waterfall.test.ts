import { expect, it } from "vitest";

import type { Fire, Instance, InstanceStatus } from "~/api/types";

import { waterfallOf } from "./waterfall";

const at = (seconds: number): string => new Date(Date.UTC(2026, 0, 1) + seconds * 1000).toISOString();

const instance = (name: string, status: InstanceStatus, timestamps: Record<string, string>): Instance =>
  ({ metadata: { timestamps }, name, status }) as unknown as Instance;

const fire = (trigger: string, seconds: number): Fire =>
  ({ fire_id: seconds, fired_at: at(seconds), trigger }) as unknown as Fire;

it("places fires and phases as shares of the time shown", () => {
  const { bars, points } = waterfallOf(
    [fire("x", 0)],
    [instance("t_a#0", "finished", { created: at(0), finished: at(100), running: at(50), scheduled: at(25) })],
    Date.parse(at(1000)),
  );
  expect(points).toMatchObject([{ at: 0, trigger: "x" }]);
  expect(bars).toMatchObject([
    {
      end: 1,
      phases: [
        { from: 0, kind: "waiting", seconds: 25, to: 0.25 },
        { from: 0.25, kind: "queued", to: 0.5 },
        { from: 0.5, kind: "running", to: 1 },
      ],
    },
  ]);
});

it("lets what goes on reach to now", () => {
  const { bars } = waterfallOf([], [instance("t_a#0", "unstarted", { created: at(0) })], Date.parse(at(60)));
  expect(bars).toMatchObject([{ end: undefined, phases: [{ from: 0, kind: "waiting", to: 1 }] }]);
});

it("ends a replayed instance when it failed, not when it was replayed", () => {
  const { bars } = waterfallOf(
    [fire("y", 100)],
    [instance("t_a#0", "replayed", { created: at(0), failed: at(50), replayed: at(100), running: at(10), scheduled: at(5) })],
    Date.parse(at(100)),
  );
  expect(bars[0]?.end).toBe(0.5);
});

it("orders bars by their beginning, and leaves out instances whose row cannot be read", () => {
  const { bars } = waterfallOf(
    [],
    [
      instance("t_b#0", "unstarted", { created: at(5) }),
      instance("t_a#0", "unstarted", { created: at(1) }),
      { metadata: { unreadable: "…" }, name: "t_c#0", status: "unstarted" } as unknown as Instance,
    ],
    Date.parse(at(9)),
  );
  expect(bars.map(({ name }) => name)).toEqual(["t_a#0", "t_b#0"]);
});

it("shows nothing of a session in which nothing has happened", () => {
  expect(waterfallOf([], [], 0)).toMatchObject({ bars: [], points: [] });
});
