/** Where the triggers and tasks of a configuration stand in its drawing: layers from left to right (dagre). Heavy. */
import { Graph, layout } from "@dagrejs/dagre";

import type { RuleGraph } from "./rules";

export const NODE_HEIGHT = 38;
const LEAST_WIDTH = 120;
const MOST_WIDTH = 210;
const WIDTH_OF_LETTER = 7.5;
const WIDTH_OF_REST = 46;
const LAYER_GAP = 48;
/** Between layers, where an edge may have a label. */
const LABEL_GAP = 76;
const NODE_GAP = 8;

export type Place = { readonly x: number; readonly y: number };
export type Drawing = {
  /** The corners of each edge between its nodes, by {@link edgeKey}: on their way around other nodes. */
  readonly corners: ReadonlyMap<string, readonly Place[]>;
  /** Of each node. */
  readonly nodeWidth: number;
  /** The upper left corner of each node, by its id. */
  readonly places: ReadonlyMap<string, Place>;
};

export const edgeKey = (source: string, target: string): string => JSON.stringify([source, target]);

/** Names are shown whole up to a length; all nodes have one width. Narrow nodes let sixty of them be read at once. */
const widthOf = ({ nodes }: RuleGraph): number => {
  const longest = Math.max(0, ...nodes.map(({ id }) => id.length));
  return Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, Math.round(longest * WIDTH_OF_LETTER + WIDTH_OF_REST)));
};

const isLabelled = ({ edges }: RuleGraph): boolean => edges.some(({ directive }) => directive !== "after");

/**
 * Where an edge passes a layer: before and behind the place that dagre keeps free for it. Every second point is one;
 * the others are half way between two layers.
 */
const cornersOf = (points: readonly Place[], width: number): readonly Place[] =>
  points
    .slice(1, -1)
    .filter((_, index) => index % 2 === 1)
    .flatMap(({ x, y }) => [
      { x: x - width / 2, y },
      { x: x + width / 2, y },
    ]);

export const drawingOf = (rules: RuleGraph): Drawing => {
  const nodeWidth = widthOf(rules);
  const graph = new Graph();
  graph.setGraph({ nodesep: NODE_GAP, rankdir: "LR", ranksep: isLabelled(rules) ? LABEL_GAP : LAYER_GAP });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id } of rules.nodes) {
    graph.setNode(id, { height: NODE_HEIGHT, width: nodeWidth });
  }
  for (const { source, target } of rules.edges) {
    graph.setEdge(source, target);
  }
  layout(graph);
  const places = new Map(
    rules.nodes.map(({ id }) => {
      const { x = 0, y = 0 } = graph.node(id) as Partial<Place>;
      return [id, { x: x - nodeWidth / 2, y: y - NODE_HEIGHT / 2 }];
    }),
  );
  const corners = new Map(
    rules.edges.map(({ source, target }) => {
      const { points = [] } = graph.edge(source, target) as { readonly points?: readonly Place[] };
      return [edgeKey(source, target), cornersOf(points, nodeWidth)];
    }),
  );
  return { corners, nodeWidth, places };
};
