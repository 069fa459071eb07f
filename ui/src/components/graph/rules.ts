/** A configuration's rules as a graph of triggers and tasks. Light: the page of a session has it before it draws. */
export type Directive = "after" | "andEvery" | "unless";
export type RuleNode = { readonly id: string; readonly kind: "task" | "trigger" };
export type RuleEdge = { readonly directive: Directive; readonly source: string; readonly target: string };
export type RuleGraph = { readonly edges: readonly RuleEdge[]; readonly nodes: readonly RuleNode[] };

/** The directives of a task, as a session and a configuration show them. */
export type Rules = Readonly<
  Record<
    string,
    {
      readonly after?: readonly string[] | null;
      readonly andEvery?: string | null;
      readonly unless?: readonly string[] | null;
    }
  >
>;

const DIRECTIVES_OF = (rules: Rules[string]): ReadonlyArray<readonly [Directive, readonly string[]]> => [
  ["after", (rules.after ?? []).filter((trigger) => trigger !== rules.andEvery)],
  ["andEvery", rules.andEvery ? [rules.andEvery] : []],
  ["unless", rules.unless ?? []],
];

/** The graph of rules. A task that fires a trigger by its end is the trigger's node. */
export const graphOf = (rules: Rules): RuleGraph => {
  const edges = Object.entries(rules).flatMap(([target, task]) =>
    DIRECTIVES_OF(task).flatMap(([directive, triggers]) =>
      triggers.map((source): RuleEdge => ({ directive, source, target })),
    ),
  );
  const triggers = new Set(edges.map(({ source }) => source).filter((name) => !(name in rules)));
  return {
    edges,
    nodes: [
      ...[...triggers].map((id): RuleNode => ({ id, kind: "trigger" })),
      ...Object.keys(rules).map((id): RuleNode => ({ id, kind: "task" })),
    ],
  };
};
