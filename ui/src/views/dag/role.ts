/** What a DAG is for the plugin. The tags tell: those of `configuration/compile.py` and `configuration/manifest.py`. */

const MANIFEST_TAG = "triggers";
const CONFIGURATION_TAG_PREFIX = "triggers:";

export type DagRole =
  | { readonly configuration: string; readonly kind: "configuration" }
  | { readonly configuration: string; readonly kind: "task"; readonly task: string }
  | { readonly kind: "none" };

/** The role of a DAG with these tags. A compiled DAG is named `configuration.task`. */
export const roleOf = (dagId: string, tags: readonly string[]): DagRole => {
  for (const tag of tags.filter((name) => name.startsWith(CONFIGURATION_TAG_PREFIX))) {
    const configuration = tag.slice(CONFIGURATION_TAG_PREFIX.length);
    if (dagId === configuration && tags.includes(MANIFEST_TAG)) {
      return { configuration, kind: "configuration" };
    }
    if (dagId.startsWith(`${configuration}.`)) {
      return { configuration, kind: "task", task: dagId.slice(configuration.length + 1) };
    }
  }
  return { kind: "none" };
};
