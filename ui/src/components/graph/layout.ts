/** Where the triggers and tasks of a configuration stand in its drawing: layers from left to right (dagre). Heavy. */
import { Graph, layout } from "@dagrejs/dagre";

import type { RuleGraph } from "./rules";

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
