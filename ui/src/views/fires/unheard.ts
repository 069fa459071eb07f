/** Fires that touched nothing, by trigger: misspelt ones apart from repeats. */
import type { VainFire } from "~/api/types";

export type UnheardGroup = {
  readonly fires: readonly VainFire[];
  /** Whether some task uses the trigger: then the fires came too often or too late, and are not misspelt. */
  readonly isUsed: boolean;
  readonly latest: string;
  readonly similar: readonly string[];
  readonly trigger: string;
};

/** Misspelt triggers first; in each part the latest first. */
export const unheardGroups = (fires: readonly VainFire[]): readonly UnheardGroup[] => {
  const byTrigger = new Map<string, VainFire[]>();
  for (const fire of fires) {
    const group = byTrigger.get(fire.trigger);
    if (group === undefined) {
      byTrigger.set(fire.trigger, [fire]);
    } else {
      group.push(fire);
    }
  }
  return [...byTrigger.entries()]
    .map(([trigger, group]): UnheardGroup => {
      const moments = group.map((fire) => fire.fired_at).toSorted();
      return {
        fires: group,
        isUsed: group.some((fire) => fire.used_by.length > 0),
        latest: moments.at(-1) ?? "",
        similar: [...new Set(group.flatMap((fire) => fire.similar))],
        trigger,
      };
    })
    .toSorted((one, other) => Number(one.isUsed) - Number(other.isUsed) || other.latest.localeCompare(one.latest));
};
