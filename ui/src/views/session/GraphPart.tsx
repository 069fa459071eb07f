import { Box, Flex } from "@chakra-ui/react";
import { useMemo } from "react";

import type { SessionDetail } from "~/api/types";
import { PALETTE_OF_STATUS, STATUSES, StatusMarks } from "~/components/StatusChip";
import { Why } from "~/components/Why";
import type { NodeLook } from "~/components/graph";
import { RuleGraphView } from "~/components/graph";
import { graphOf } from "~/components/graph/rules";
import { ActButton } from "~/components/ActButton";
import { number } from "~/plurals";
import { texts } from "~/texts";
import { useSearchParam, useSetSearchParams } from "~/viewState";

import { countsByTask, statusOfTask } from "./counts";
import { usePartReads } from "./drawer";

const words = texts.session;

export type GraphPartProps = { readonly onFire: (trigger: string) => void; readonly session: SessionDetail };

/** The session's rules: what has fired is filled, what waits is hollow. A click says why, or offers to fire. */
export const GraphPart = ({ onFire, session }: GraphPartProps) => {
  const node = useSearchParam("node");
  const setSearchParams = useSetSearchParams();
  const reads = usePartReads();
  const graph = useMemo(() => graphOf(session.tasks), [session.tasks]);
  const counts = countsByTask(session);

  const lookOf = (id: string): NodeLook => {
    if (!(id in session.tasks)) {
      const hasFired = id in session.latest_triggers;
      return {
        description: hasFired ? words.node.fired : words.node.notFired,
        isFilled: hasFired,
        ...(hasFired ? { palette: "info" } : {}),
      };
    }
    const ofTask = counts[id];
    const status = statusOfTask(ofTask);
    const present = STATUSES.filter((name) => (ofTask?.[name] ?? 0) > 0);
    const summary =
      present.length === 0
        ? words.node.notStarted
        : present.map((name) => `${number(ofTask?.[name] ?? 0)} ${texts.status[name]}`).join(", ");
    return {
      children: present.length > 1 ? <StatusMarks counts={ofTask ?? {}} /> : summary,
      description: summary,
      isFilled: status !== undefined,
      ...(status === undefined ? {} : { palette: PALETTE_OF_STATUS[status] }),
    };
  };

  return (
    <Flex direction={{ base: "column", lg: "row" }} gap={3} h="100%">
      <Box flex={2} minH="320px" minW={0}>
        <RuleGraphView
          currentId={node}
          graph={graph}
          label={words.graphLabel(session.uid)}
          lookOf={lookOf}
          onSelect={(id) => setSearchParams({ node: id }, { replace: true })}
        />
      </Box>
      {node === undefined || !graph.nodes.some(({ id }) => id === node) ? undefined : (
        <Box aria-label={node} aria-live="polite" as="section" borderWidth={1} flex={1} overflow="auto" p={3}>
          <Flex align="center" gap={3} justify="space-between" mb={2} wrap="wrap">
            <strong>{node}</strong>
            {node in session.tasks ? undefined : (
              <ActButton act={session.acts.fire} onClick={() => onFire(node)}>
                {words.fireAct}
              </ActButton>
            )}
          </Flex>
          {node in session.tasks ? (
            <Why isLater={!reads} name={node} session_uid={session.uid} />
          ) : (
            <TriggerNote session={session} trigger={node} />
          )}
        </Box>
      )}
    </Flex>
  );
};

const TriggerNote = ({ session, trigger }: { readonly session: SessionDetail; readonly trigger: string }) => (
  <Flex direction="column" fontSize="sm" gap={2}>
    <span>{trigger in session.latest_triggers ? words.node.fired : words.node.notFired}</span>
    {Object.entries(session.tasks)
      .filter(
        ([, rules]) =>
          rules.after?.includes(trigger) || rules.andEvery === trigger || rules.unless?.includes(trigger),
      )
      .map(([task, rules]) => (
        <span key={task}>
          <strong>{task}</strong>: {rules.sentence}
        </span>
      ))}
  </Flex>
);
