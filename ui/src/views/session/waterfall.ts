/**
 * A session's story over time: fires are points, instances are bars of phases. Everything is a share of the time shown.
 */
import type { Fire, Instance, InstanceStatus } from "~/api/types";

export type PhaseKind = "queued" | "running" | "waiting";

export type Phase = {
  readonly from: number;
  readonly kind: PhaseKind;
  /** How long it took, or has taken so far. */
  readonly seconds: number;
  readonly to: number;
};

export type Bar = {
  /** The moment of its end, as a share; undefined while it goes on. */
  readonly end: number | undefined;
  readonly name: string;
  readonly phases: readonly Phase[];
  readonly status: InstanceStatus;
};

export type Point = { readonly at: number; readonly fireId: number | null; readonly moment: string; readonly trigger: string };

export type Waterfall = {
  readonly bars: readonly Bar[];
  readonly from: number;
  readonly points: readonly Point[];
  readonly to: number;
};

type Timestamps = Readonly<Record<string, string>>;

const ENDS = ["finished", "failed", "skipped", "replayed", "abandoned"] as const;
const OPEN: ReadonlySet<InstanceStatus> = new Set(["unstarted", "scheduled", "running"]);

const timestampsOf = ({ metadata }: Instance): Timestamps => {
  const { timestamps } = metadata;
  return typeof timestamps === "object" && timestamps !== null ? (timestamps as Timestamps) : {};
};

const millis = (moment: string | undefined): number | undefined => {
  const value = moment === undefined ? Number.NaN : Date.parse(moment);
  return Number.isNaN(value) ? undefined : value;
};

/** The instance's end in milliseconds: the first end that it reached; a replay or skip comes after it. */
const endOf = (timestamps: Timestamps): number | undefined => {
  const moments = ENDS.map((status) => millis(timestamps[status])).filter((moment) => moment !== undefined);
  return moments.length > 0 ? Math.min(...moments) : undefined;
};

type Steps = { readonly begin: number; readonly end: number | undefined; readonly steps: ReadonlyArray<readonly [PhaseKind, number]> };

const stepsOf = (instance: Instance): Steps | undefined => {
  const timestamps = timestampsOf(instance);
  const created = millis(timestamps.created);
  if (created === undefined) {
    return undefined;
  }
  const scheduled = millis(timestamps.scheduled);
  const running = millis(timestamps.running);
  const steps: Array<readonly [PhaseKind, number]> = [["waiting", created]];
  if (scheduled !== undefined) {
    steps.push(["queued", scheduled]);
  }
  if (running !== undefined) {
    steps.push(["running", running]);
  }
  return { begin: created, end: OPEN.has(instance.status) ? undefined : endOf(timestamps), steps };
};

/** The waterfall of these fires and instances, up to `now` (milliseconds) while something goes on. */
export const waterfallOf = (fires: readonly Fire[], instances: readonly Instance[], now: number): Waterfall => {
  const steps = instances.flatMap((instance) => {
    const found = stepsOf(instance);
    return found === undefined ? [] : [{ instance, ...found }];
  });
  const fired = fires.flatMap((fire) => {
    const moment = millis(fire.fired_at);
    return moment === undefined ? [] : [{ fire, moment }];
  });
  const begins = [...steps.map(({ begin }) => begin), ...fired.map(({ moment }) => moment)];
  const ends = [...steps.map(({ end }) => end ?? now), ...fired.map(({ moment }) => moment)];
  const from = begins.length > 0 ? Math.min(...begins) : now;
  const to = Math.max(from + 1, ...ends);
  const share = (moment: number): number => Math.min(1, Math.max(0, (moment - from) / (to - from)));

  return {
    bars: steps
      .toSorted((one, other) => one.begin - other.begin || one.instance.name.localeCompare(other.instance.name))
      .map(({ end, instance, steps: phases }) => ({
        end: end === undefined ? undefined : share(end),
        name: instance.name,
        phases: phases.map(([kind, begin], index) => {
          const phaseEnd = phases[index + 1]?.[1] ?? end ?? now;
          return { from: share(begin), kind, seconds: (phaseEnd - begin) / 1000, to: share(phaseEnd) };
        }),
        status: instance.status,
      })),
    from,
    points: fired.map(({ fire, moment }) => ({
      at: share(moment),
      fireId: fire.fire_id,
      moment: fire.fired_at,
      trigger: fire.trigger,
    })),
    to,
  };
};
