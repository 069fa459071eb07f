/** Where the triggers and tasks of a configuration stand in its drawing: layers from left to right (dagre). */
import { Graph, layout } from "@dagrejs/dagre";

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

export const NODE_WIDTH = 210;
export const NODE_HEIGHT = 44;
const LAYER_GAP = 70;
const NODE_GAP = 16;

export type Place = { readonly x: number; readonly y: number };

/** The upper left corner of each node, by its id. */
export const placesOf = ({ edges, nodes }: RuleGraph): ReadonlyMap<string, Place> => {
  const graph = new Graph();
  graph.setGraph({ nodesep: NODE_GAP, rankdir: "LR", ranksep: LAYER_GAP });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of nodes) {
    graph.setNode(id, { height: NODE_HEIGHT, width: NODE_WIDTH });
  }
  for (const { source, target } of edges) {
    graph.setEdge(source, target);
  }
  layout(graph);
  return new Map(
    nodes.map(({ id }) => {
      const { x = 0, y = 0 } = graph.node(id) as Partial<Place>;
      return [id, { x: x - NODE_WIDTH / 2, y: y - NODE_HEIGHT / 2 }];
    }),
  );
};
