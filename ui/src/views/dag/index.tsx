import { Box, Flex, Heading, Stack, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";

import { useRefreshInterval } from "~/airflow/config";
import { path, request, requestAirflow } from "~/api/client";
import { failureOf } from "~/api/failures";
import type { InstancesPage } from "~/api/types";
import { StatusChip } from "~/components/StatusChip";
import { Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import { WhyButton } from "~/components/WhyButton";
import { RepairButtons } from "~/components/repairs/RepairButtons";
import { Failed, Loading } from "~/components/states";
import { useFirstViewShown } from "~/firstView";
import { texts } from "~/texts";
import { ConfigurationPage } from "~/views/configuration/ConfigurationPage";
import { configurationQuery } from "~/views/configuration/queries";

import { roleOf } from "./role";

const words = texts.dag;

const SHOWN = 50;

type Dag = { readonly tags: ReadonlyArray<{ readonly name: string }> };

/** The tab on a DAG's page: of a configuration, of a trigger task; one quiet line on every other DAG. */
const DagTab = ({ dagId }: { readonly dagId: string }) => (
  <Box aria-label={texts.app.title} as="section" h="100%">
    <Content dagId={dagId} />
  </Box>
);

const Content = ({ dagId }: { readonly dagId: string }) => {
  const dag = useQuery({
    queryFn: async ({ signal }) => requestAirflow<Dag>(path("api/v2/dags/{}", dagId), { signal }),
    queryKey: ["airflow", "dag", dagId],
    staleTime: 60_000,
  });
  const failure = failureOf(dag);
  if (failure) {
    return <Failed error={failure} retry={() => void dag.refetch()} />;
  }
  if (dag.data === undefined) {
    return <Loading />;
  }
  const role = roleOf(
    dagId,
    dag.data.tags.map(({ name }) => name),
  );
  switch (role.kind) {
    case "configuration":
      return (
        <Box h="100%" p={3}>
          <ConfigurationPage name={role.configuration} />
        </Box>
      );
    case "task":
      return <TaskOfDag configuration={role.configuration} task={role.task} />;
    case "none":
      return (
        <Text color="fg.muted" p={3}>
          {words.none}
        </Text>
      );
  }
};

type TaskProps = { readonly configuration: string; readonly task: string };

const TaskOfDag = ({ configuration, task }: TaskProps) => {
  const { data } = useQuery(configurationQuery(configuration));
  return (
    <Stack gap={4} h="100%" overflow="auto" p={3}>
      <Heading as="h2" size="md">
        {words.taskOf(task)}{" "}
        <ViewLink params={{ configuration, node: task }} view="configuration">
          {configuration}
        </ViewLink>
      </Heading>
      <Text minH="1lh">{data?.sentences[task]}</Text>
      <Instances configuration={configuration} status="failed" task={task} />
      <Instances configuration={configuration} isLater status="unstarted" task={task} />
    </Stack>
  );
};

type InstancesProps = TaskProps & {
  /** It waits until the page has shown what one sees first. */
  readonly isLater?: boolean;
  readonly status: keyof typeof words.instances;
};

const Instances = ({ configuration, isLater = false, status, task }: InstancesProps) => {
  const isShown = useFirstViewShown();
  const refetchInterval = useRefreshInterval();
  const list = useQuery({
    enabled: !isLater || isShown,
    queryFn: async ({ signal }) =>
      request<InstancesPage>("/instances", { query: { configuration, limit: SHOWN, status: [status], task }, signal }),
    queryKey: ["instances", "of DAG", configuration, task, status],
    refetchInterval,
  });
  const { data, refetch } = list;
  const failure = failureOf(list);
  return (
    <Box as="section">
      <Heading as="h3" mb={1} size="sm">
        {words.instances[status]}
      </Heading>
      {failure ? (
        <Failed error={failure} retry={() => void refetch()} />
      ) : data === undefined ? (
        <Loading />
      ) : data.instances.length === 0 ? (
        <Text color="fg.muted">{texts.common.none}</Text>
      ) : (
        <Flex aria-label={words.instances[status]} as="ul" direction="column" listStyleType="none">
          {data.instances.map((instance) => (
            <Flex align="center" as="li" borderBottomWidth={1} gap={3} py={1} key={`${instance.session_uid} ${instance.name}`} wrap="wrap">
              <ViewLink params={{ instance: instance.name, session: instance.session_uid }} view="session">
                {instance.session_uid} {instance.name}
              </ViewLink>
              <StatusChip status={instance.status} />
              <Text color="fg.muted">
                <Time moment={instance.changed_at} />
              </Text>
              <Text flex={1} minW="160px" overflowWrap="anywhere">
                {instance.error_message}
              </Text>
              <WhyButton name={instance.name} session_uid={instance.session_uid} />
              <RepairButtons
                acts={status === "failed" ? instance.acts : undefined}
                size="xs"
                target={{ instances: [{ name: instance.name, session_uid: instance.session_uid }], kind: "instances" }}
              />
            </Flex>
          ))}
        </Flex>
      )}
      {data?.next == null ? undefined : <Text color="fg.muted">{words.firstOnly(SHOWN)}</Text>}
    </Box>
  );
};

export default DagTab;
