import { Box, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";

import { useRefreshInterval } from "~/airflow/config";
import { path, request } from "~/api/client";
import { failureOf } from "~/api/failures";
import type { HistoryPage, InstanceKey, SessionInstancesPage } from "~/api/types";
import { StatusChip } from "~/components/StatusChip";
import { ViewLink } from "~/components/ViewLink";
import { Failed, Loading } from "~/components/states";
import { useFirstViewShown } from "~/firstView";
import { texts } from "~/texts";
import { HistoryList } from "~/views/session/HistoryList";
import { InstanceDetails } from "~/views/session/InstanceDetails";
import { instanceQuery } from "~/views/session/queries";

import { dagRunQuery, ownerOf } from "./owner";

const words = texts.run;

const SIBLINGS = 20;
const CAUSES = 20;

export type RunTabProps = { readonly dagId: string; readonly runId: string };

/** The tab on a DAG run's page: whose run it is, and what one may do. One quiet line on a run that is nobody's. */
const RunTab = (props: RunTabProps) => (
  <Box aria-label={texts.app.title} as="section" h="100%">
    <Content {...props} />
  </Box>
);

const Content = ({ dagId, runId }: RunTabProps) => {
  const { data: run, error, refetch } = useQuery(dagRunQuery(dagId, runId));
  if (error) {
    return <Failed error={error} retry={() => void refetch()} />;
  }
  if (run === undefined) {
    return <Loading />;
  }
  const owner = ownerOf(run);
  return owner === undefined ? (
    <Text color="fg.muted" p={3}>
      {words.nobodys}
    </Text>
  ) : (
    <InstanceOfRun {...owner} runId={runId} />
  );
};

const InstanceOfRun = ({ name, runId, session_uid: uid }: InstanceKey & { readonly runId: string }) => {
  const refetchInterval = useRefreshInterval();
  const { data: instance, error, refetch } = useQuery({ ...instanceQuery(uid, name), refetchInterval });
  const failure = failureOf({ data: instance, error });
  if (failure) {
    return <Failed error={failure} retry={() => void refetch()} />;
  }
  if (instance === undefined) {
    return <Loading />;
  }
  return (
    <Stack gap={4} h="100%" overflow="auto" p={3}>
      <Flex align="center" gap={3} wrap="wrap">
        <Heading as="h2" overflowWrap="anywhere" size="md">
          {words.instanceOf(name)}{" "}
          <ViewLink params={{ instance: name, session: uid }} view="session">
            {uid}
          </ViewLink>
        </Heading>
        <StatusChip status={instance.status} />
      </Flex>
      {instance.dag_run_id === null || instance.dag_run_id === runId ? undefined : (
        <Text color="fg.warning">{words.otherRun(instance.dag_run_id)}</Text>
      )}
      <InstanceDetails instance={instance} uid={uid} />
      <Causes name={name} uid={uid} />
      <Siblings name={name} task={instance.task} uid={uid} />
    </Stack>
  );
};

type OfInstance = { readonly name: string; readonly uid: string };

/** What caused the instance, and what it caused: the fires that touched it, the one of its end, and the rest. */
const Causes = ({ name, uid }: OfInstance) => {
  const isShown = useFirstViewShown();
  const refetchInterval = useRefreshInterval();
  const { data } = useQuery({
    enabled: isShown,
    queryFn: async ({ signal }) =>
      request<HistoryPage>(path("/sessions/{}/history", uid), { query: { instance: name, limit: CAUSES }, signal }),
    queryKey: ["session", uid, "history", { instance: name }],
    refetchInterval,
  });
  return data === undefined || data.entries.length === 0 ? undefined : (
    <Box as="section">
      <Heading as="h3" mb={1} size="sm">
        {words.causes}
      </Heading>
      <HistoryList entries={data.entries} label={words.causes} of={name} uid={uid} />
    </Box>
  );
};

/** The other instances of the task in the session. */
const Siblings = ({ name, task, uid }: OfInstance & { readonly task: string }) => {
  const isShown = useFirstViewShown();
  const refetchInterval = useRefreshInterval();
  const { data } = useQuery({
    enabled: isShown,
    queryFn: async ({ signal }) =>
      request<SessionInstancesPage>(path("/sessions/{}/instances", uid), { query: { limit: SIBLINGS, task }, signal }),
    queryKey: ["session", uid, "instances", "siblings", task],
    refetchInterval,
  });
  const siblings = data?.instances.filter((instance) => instance.name !== name) ?? [];
  return siblings.length === 0 ? undefined : (
    <Box as="section">
      <Heading as="h3" mb={1} size="sm">
        {words.siblings}
      </Heading>
      <Flex as="ul" gap={3} listStyleType="none" wrap="wrap">
        {siblings.map((instance) => (
          <Flex align="center" as="li" gap={1} key={instance.name}>
            <ViewLink params={{ instance: instance.name, session: uid }} view="session">
              {instance.name}
            </ViewLink>
            <StatusChip status={instance.status} />
          </Flex>
        ))}
      </Flex>
    </Box>
  );
};

export default RunTab;
