import type { Act, Acts, InstanceSummary } from "~/api/types";

const NAMES = ["replay", "skip"] as const;

/**
 * What the reader may do with several instances: an act is allowed when it is for any of them (the preview says which
 * ones the server refuses). If it is for none, the first one's reason stands for all.
 */
export const actsOfMany = (instances: readonly InstanceSummary[]): Acts => {
  const acts: Record<string, Act> = {};
  for (const name of NAMES) {
    const all = instances.map((instance) => instance.acts[name]).filter((act) => act !== undefined);
    const act = all.find(({ allowed }) => allowed) ?? all[0];
    if (act !== undefined) {
      acts[name] = act;
    }
  }
  return acts;
};
