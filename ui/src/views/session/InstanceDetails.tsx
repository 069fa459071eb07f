import { Badge, Box, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { useState } from "react";

import { runAddress } from "~/airflow/links";
import type { InstanceDetail } from "~/api/types";
import { ActButton } from "~/components/ActButton";
import { AirflowLink } from "~/components/AirflowLink";
import { StatusChip } from "~/components/StatusChip";
import { Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import { Why } from "~/components/Why";
import { RepairButtons } from "~/components/repairs/RepairButtons";
import { useAct } from "~/components/useAct";
import { texts } from "~/texts";

import { RunLink } from "./InstancesPart";
import { Json } from "./Json";
import { StatusDialog } from "./StatusDialog";
import { changedAt, errorOf, isLogResolved, logLevelOf } from "./instance";
import { resolveLogs } from "./queries";

const words = texts.session;

export type InstanceDetailsProps = { readonly instance: InstanceDetail; readonly uid: string };

/** How an instance stands and why, what it got and gave, and its acts: beside its session, and on its run's page. */
export const InstanceDetails = ({ instance, uid }: InstanceDetailsProps) => {
  const error = errorOf(instance);
  const logLevel = logLevelOf(instance);
  return (
    <Stack gap={5}>
      <ActRow instance={instance} uid={uid} />
      <Section title={words.why}>
        <Why isLater name={instance.name} session_uid={uid} />
      </Section>
      {error === undefined ? undefined : (
        <Section title={words.error}>
          <Text overflowWrap="anywhere" whiteSpace="pre-wrap">
            <strong>{error.type}</strong> {error.message}
          </Text>
          {error.traceback === undefined ? undefined : <Json label={words.traceback} value={error.traceback} />}
        </Section>
      )}
      <Section title={words.run}>
        <Flex align="center" gap={4} wrap="wrap">
          {instance.dag_id === null || instance.dag_run_id === null ? (
            <Text color="fg.muted">{words.noRun}</Text>
          ) : (
            <>
              <AirflowLink to={runAddress(instance.dag_id, instance.dag_run_id)}>{instance.dag_run_id}</AirflowLink>
              <RunLink instance={instance} />
            </>
          )}
          {logLevel === undefined ? undefined : (
            <Badge colorPalette={isLogResolved(instance) ? "none" : "warning"}>
              {words.logLevel} {logLevel}
            </Badge>
          )}
        </Flex>
        <Text color="fg.muted" fontSize="sm">
          {words.lastChange} <Time moment={changedAt(instance)} />
        </Text>
      </Section>
      <Chain instance={instance} uid={uid} />
      <Section title={words.values}>
        <Json isOpen label={words.kwargs} value={instance.kwargs} />
        {instance.metadata.result === undefined ? undefined : (
          <Json isOpen label={words.result} value={instance.metadata.result} />
        )}
        <Json label={words.metadata} value={instance.metadata} />
      </Section>
    </Stack>
  );
};

const Section = ({ children, title }: { readonly children: ReactNode; readonly title: string }) => (
  <Box as="section">
    <Heading as="h3" mb={1} size="sm">
      {title}
    </Heading>
    {children}
  </Box>
);

const Chain = ({ instance, uid }: InstanceDetailsProps) =>
  instance.chain.length < 2 ? undefined : (
    <Section title={words.chain}>
      <Flex align="center" as="ol" gap={2} listStyleType="none" wrap="wrap">
        {instance.chain.map(({ name, status }, index) => (
          <Flex align="center" as="li" gap={2} key={name}>
            {index > 0 ? <span aria-hidden>→</span> : undefined}
            {name === instance.name ? (
              <strong>{name}</strong>
            ) : (
              <ViewLink params={{ instance: name, session: uid }} view="session">
                {name}
              </ViewLink>
            )}
            <StatusChip status={status} />
          </Flex>
        ))}
      </Flex>
    </Section>
  );

const ActRow = ({ instance, uid }: InstanceDetailsProps) => {
  const [asksStatus, setAsksStatus] = useState(false);
  const logs = useAct({
    failed: words.resolveLogsFailed,
    perform: async () => resolveLogs(uid, instance.name),
    succeeded: () => words.resolvedLogs(instance.name),
  });
  return (
    <Flex gap={2} wrap="wrap">
      <RepairButtons
        acts={instance.acts}
        target={{ instances: [{ name: instance.name, session_uid: uid }], kind: "instances" }}
      />
      <ActButton act={instance.acts.set_status} onClick={() => setAsksStatus(true)}>
        {words.statusAct}
      </ActButton>
      {logLevelOf(instance) === undefined || isLogResolved(instance) ? undefined : (
        <ActButton act={instance.acts.resolve_logs} loading={logs.isPending} onClick={() => logs.mutate(undefined)}>
          {words.resolveLogs}
        </ActButton>
      )}
      {asksStatus ? <StatusDialog instance={instance} onClose={() => setAsksStatus(false)} uid={uid} /> : undefined}
    </Flex>
  );
};
