/** The drawing of a configuration's rules. It is a heavy part: import it by `lazy`, as `~/components/graph`. */
import { Box, Flex, Text } from "@chakra-ui/react";
import type { Edge, Node, NodeProps } from "@xyflow/react";
import { Background, Controls, Handle, MarkerType, Position, ReactFlow, useReactFlow } from "@xyflow/react";
import flowStyle from "@xyflow/react/dist/style.css?inline";
import type { ReactNode } from "react";
import { useMemo } from "react";
import { LuZap } from "react-icons/lu";

import { texts } from "~/texts";

import { NODE_HEIGHT, drawingOf } from "./layout";
import type { Directive, RuleGraph } from "./rules";

/** How a node is drawn: what has happened is filled, what waits is hollow. */
export type NodeLook = {
  /** Below the name: counts, chips. */
  readonly children?: ReactNode;
  /** For screen readers, and on hover: what the look says. */
  readonly description?: string;
  readonly isFilled?: boolean;
  /** One of Airflow's palettes. */
  readonly palette?: string;
};

export type RuleGraphViewProps = {
  readonly currentId?: string | undefined;
  readonly graph: RuleGraph;
  /** The graph's name for screen readers. */
  readonly label: string;
  readonly lookOf: (id: string) => NodeLook;
  readonly onSelect?: (id: string) => void;
};

type Content = NodeLook & {
  readonly isCurrent: boolean;
  readonly isTask: boolean;
  readonly name: string;
  readonly onSelect: (() => void) | undefined;
};
type RuleFlowNode = Node<Content, "rule">;

const HANDLE = { opacity: 0, pointerEvents: "none" } as const;

const RuleNodeView = ({ data, height = 0, positionAbsoluteX, positionAbsoluteY, width = 0 }: NodeProps<RuleFlowNode>) => {
  const { getZoom, setCenter } = useReactFlow();
  return (
    <>
      <Handle isConnectable={false} position={Position.Left} style={HANDLE} type="target" />
      <Flex
        align="start"
        aria-current={data.isCurrent ? "true" : undefined}
        aria-label={[data.name, data.description].filter(Boolean).join(": ")}
        asChild
        bg={data.isFilled === true ? "colorPalette.subtle" : "bg"}
        borderColor={data.isFilled === true ? "colorPalette.solid" : "border.emphasized"}
        borderRadius={data.isTask ? "md" : "full"}
        borderStyle={data.isFilled === true ? "solid" : "dashed"}
        borderWidth={2}
        colorPalette={data.palette ?? "none"}
        direction="column"
        h={`${NODE_HEIGHT}px`}
        justify="center"
        outline={data.isCurrent ? "2px solid" : undefined}
        outlineColor="fg"
        outlineOffset="2px"
        overflow="hidden"
        px={3}
        title={data.description}
        w={`${width}px`}
      >
        <button
          onClick={data.onSelect}
          onFocus={({ currentTarget }) => {
            // Whoever walks by the Tab key sees where they are.
            if (currentTarget.matches(":focus-visible")) {
              void setCenter(positionAbsoluteX + width / 2, positionAbsoluteY + height / 2, {
                zoom: Math.max(getZoom(), READABLE_ZOOM),
              });
            }
          }}
          type="button"
        >
          <Flex align="center" gap={1} maxW="100%">
            {data.isTask ? undefined : <LuZap aria-hidden style={{ flexShrink: 0 }} />}
            <Text fontSize="sm" fontWeight="medium" lineHeight="short" truncate>
              {data.name}
            </Text>
          </Flex>
          {data.children === undefined ? undefined : (
            <Flex fontSize="xs" gap={1} lineHeight="short" maxW="100%" overflow="hidden" whiteSpace="nowrap">
              {data.children}
            </Flex>
          )}
        </button>
      </Flex>
      <Handle isConnectable={false} position={Position.Right} style={HANDLE} type="source" />
    </>
  );
};

/** Airflow's colours; React Flow's own edges are too pale to be followed. */
const COLOURS = {
  "& .react-flow": {
    "--xy-background-color": "transparent",
    "--xy-edge-stroke": "var(--chakra-colors-fg-muted)",
  },
  "& .react-flow__edge-textbg": { fill: "bg" },
  "& .react-flow__edge-text": { fill: "fg" },
} as const;

const READABLE_ZOOM = 0.8;

const NODE_TYPES = { rule: RuleNodeView };

const STROKE: Readonly<Record<Directive, string | undefined>> = {
  after: undefined,
  andEvery: "6 3",
  unless: "2 4",
};

const LABEL_OF_DIRECTIVE: Readonly<Record<Directive, string | undefined>> = {
  after: undefined,
  andEvery: texts.graph.andEvery,
  unless: texts.graph.unless,
};

export const RuleGraphView = ({ currentId, graph, label, lookOf, onSelect }: RuleGraphViewProps) => {
  const { nodeWidth, places } = useMemo(() => drawingOf(graph), [graph]);
  const nodes = graph.nodes.map(
    ({ id, kind }): RuleFlowNode => ({
      data: {
        ...lookOf(id),
        isCurrent: id === currentId,
        isTask: kind === "task",
        name: id,
        onSelect: onSelect && (() => onSelect(id)),
      },
      height: NODE_HEIGHT,
      id,
      position: places.get(id) ?? { x: 0, y: 0 },
      // React Flow lets clicks through nodes that are neither dragged nor selected.
      style: { pointerEvents: "all" },
      type: "rule",
      width: nodeWidth,
    }),
  );
  const edges = useMemo(
    () =>
      graph.edges.map(({ directive, source, target }): Edge => {
        const edgeLabel = LABEL_OF_DIRECTIVE[directive];
        const dashes = STROKE[directive];
        return {
          id: `${source} ${directive} ${target}`,
          labelStyle: { fontSize: 12 },
          markerEnd: { color: "var(--xy-edge-stroke)", type: MarkerType.ArrowClosed },
          source,
          target,
          ...(edgeLabel === undefined ? {} : { label: edgeLabel }),
          ...(dashes === undefined ? {} : { style: { strokeDasharray: dashes } }),
        };
      }),
    [graph],
  );
  const isDark = document.documentElement.classList.contains("dark");

  return (
    <Box aria-label={label} borderRadius="sm" borderWidth={1} css={COLOURS} h="100%" minH="320px" role="group">
      <style href="react-flow" precedence="low">
        {flowStyle}
      </style>
      <ReactFlow
        colorMode={isDark ? "dark" : "light"}
        edges={edges}
        edgesFocusable={false}
        elementsSelectable={false}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.04 }}
        maxZoom={1.5}
        minZoom={0.1}
        nodeTypes={NODE_TYPES}
        nodes={nodes}
        nodesConnectable={false}
        nodesDraggable={false}
        nodesFocusable={false}
        proOptions={{ hideAttribution: true }}
      >
        <Background />
        <Controls showInteractive={false} />
      </ReactFlow>
    </Box>
  );
};

export default RuleGraphView;
