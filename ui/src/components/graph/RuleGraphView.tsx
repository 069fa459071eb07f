/** The drawing of a configuration's rules. It is a heavy part: import it by `lazy`, as `~/components/graph`. */
import { Box, Flex, Text, VisuallyHidden } from "@chakra-ui/react";
import type { Edge, EdgeProps, Node, NodeProps } from "@xyflow/react";
import { BaseEdge, Background, Controls, Handle, MarkerType, Position, ReactFlow, useReactFlow, useStore } from "@xyflow/react";
import flowStyle from "@xyflow/react/dist/style.css?inline";
import type { ReactNode } from "react";
import { useCallback, useEffect, useMemo, useRef } from "react";
import { LuZap } from "react-icons/lu";

import { useIsDark } from "~/airflow/colorMode";
import { texts } from "~/texts";

import type { Place } from "./layout";
import { NODE_HEIGHT, drawingOf, edgeKey } from "./layout";
import { pathThrough } from "./path";
import type { Directive, RuleGraph } from "./rules";

/** How a node is drawn: what has happened is filled, what waits is hollow. */
export type NodeLook = {
  /** Below the name: counts, chips. The description says the same. */
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
        asChild
        bg={data.isFilled === true ? "colorPalette.subtle" : "bg"}
        borderColor={data.isFilled === true ? "colorPalette.solid" : "fg.subtle"}
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
            <Text fontSize="sm" fontWeight="medium" lineHeight="1.2" truncate>
              {data.name}
            </Text>
            {data.description === undefined ? undefined : <VisuallyHidden>{`: ${data.description}`}</VisuallyHidden>}
          </Flex>
          {data.children === undefined ? undefined : (
            <Flex aria-hidden fontSize="xs" gap={1} lineHeight="1.2" maxW="100%" overflow="hidden" whiteSpace="nowrap">
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

type RuleFlowEdge = Edge<{ readonly corners: readonly Place[] }, "rule">;

const RuleEdgeView = ({ data, label, labelStyle, markerEnd, sourceX, sourceY, style, targetX, targetY }: EdgeProps<RuleFlowEdge>) => {
  const corners = data?.corners ?? [];
  const places = [{ x: sourceX, y: sourceY }, ...corners, { x: targetX, y: targetY }];
  // In front of its target: there, it is clear which task the label is about.
  const [before, last] = places.slice(-2) as [Place, Place];
  return (
    <BaseEdge
      label={label}
      labelX={(before.x + last.x) / 2}
      labelY={(before.y + last.y) / 2}
      labelStyle={labelStyle ?? {}}
      path={pathThrough(places)}
      {...(markerEnd === undefined ? {} : { markerEnd })}
      {...(style === undefined ? {} : { style })}
    />
  );
};

const READABLE_ZOOM = 0.8;

/** A large graph begins at this size, and is moved: smaller, nobody could read it. */
const LEAST_FIRST_ZOOM = 0.6;

const EDGE_TYPES = { rule: RuleEdgeView };
const NODE_TYPES = { rule: RuleNodeView };

const FIT = { maxZoom: 1, minZoom: LEAST_FIRST_ZOOM, padding: 0.03 };

/** Fits the graph again when its frame changes its size, until the reader has moved it. */
const Refit = ({ isMoved }: { readonly isMoved: () => boolean }) => {
  const { fitView } = useReactFlow();
  const height = useStore((state) => state.height);
  const width = useStore((state) => state.width);
  useEffect(() => {
    if (height > 0 && width > 0 && !isMoved()) {
      void fitView(FIT);
    }
  }, [fitView, height, isMoved, width]);
  return undefined;
};

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
  const { corners, nodeWidth, places } = useMemo(() => drawingOf(graph), [graph]);
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
      graph.edges.map(({ directive, source, target }): RuleFlowEdge => {
        const edgeLabel = LABEL_OF_DIRECTIVE[directive];
        const dashes = STROKE[directive];
        return {
          data: { corners: corners.get(edgeKey(source, target)) ?? [] },
          id: `${source} ${directive} ${target}`,
          labelStyle: { fontSize: 12 },
          markerEnd: { color: "var(--xy-edge-stroke)", type: MarkerType.ArrowClosed },
          source,
          target,
          type: "rule",
          ...(edgeLabel === undefined ? {} : { label: edgeLabel }),
          ...(dashes === undefined ? {} : { style: { strokeDasharray: dashes } }),
        };
      }),
    [corners, graph],
  );
  const hasMoved = useRef(false);
  const isMoved = useCallback(() => hasMoved.current, []);
  const isDark = useIsDark();

  return (
    <Box aria-label={label} borderRadius="sm" borderWidth={1} css={COLOURS} h="100%" minH="320px" role="group">
      <style href="react-flow" precedence="low">
        {flowStyle}
      </style>
      <ReactFlow
        colorMode={isDark ? "dark" : "light"}
        edgeTypes={EDGE_TYPES}
        edges={edges}
        edgesFocusable={false}
        elementsSelectable={false}
        fitView
        fitViewOptions={FIT}
        maxZoom={1.5}
        minZoom={0.1}
        nodeTypes={NODE_TYPES}
        nodes={nodes}
        nodesConnectable={false}
        nodesDraggable={false}
        nodesFocusable={false}
        onMoveStart={(event) => {
          // Without an event, it was not the reader.
          hasMoved.current ||= event !== null;
        }}
        proOptions={{ hideAttribution: true }}
      >
        <Refit isMoved={isMoved} />
        <Background />
        <Controls showInteractive={false} />
      </ReactFlow>
    </Box>
  );
};

export default RuleGraphView;
