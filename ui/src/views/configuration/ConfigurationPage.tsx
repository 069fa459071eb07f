import { Alert, Badge, Box, Code, Flex, Heading, Tabs, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { Suspense } from "react";

import { useRefreshInterval } from "~/airflow/config";
import { dagAddress } from "~/airflow/links";
import { failureOf } from "~/api/failures";
import type { ConfigurationDetail } from "~/api/types";
import { AirflowLink } from "~/components/AirflowLink";
import { Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import type { NodeLook } from "~/components/graph";
import { RuleGraphView } from "~/components/graph";
import { Failed, Loading } from "~/components/states";
import { texts } from "~/texts";
import { useSearchParam, useSetSearchParams } from "~/viewState";

import { countText } from "./ConfigurationList";
import { Versions } from "./Versions";
import { configurationQuery } from "./queries";

const words = texts.configuration;

const PARTS = ["graph", "rules", "yaml", "versions"] as const;
type Part = (typeof PARTS)[number];

const isPart = (name: string | undefined): name is Part => (PARTS as ReadonlyArray<string | undefined>).includes(name);

/** One configuration: its rules as a graph, as sentences and as written, its versions and their sessions. */
export const ConfigurationPage = ({ name }: { readonly name: string }) => {
  const requestedPart = useSearchParam("part");
  const setSearchParams = useSetSearchParams();
  const refetchInterval = useRefreshInterval();
  const { data: configuration, error, refetch } = useQuery({ ...configurationQuery(name), refetchInterval });
  const failure = failureOf({ data: configuration, error });
  if (failure) {
    return <Failed error={failure} retry={() => void refetch()} />;
  }
  if (configuration === undefined) {
    return <Loading />;
  }
  const part = isPart(requestedPart) ? requestedPart : "graph";
  return (
    <Flex direction="column" gap={3} h="100%">
      <Header configuration={configuration} />
      <Problems configuration={configuration} />
      <Tabs.Root
        display="flex"
        flex={1}
        flexDirection="column"
        minH={0}
        onValueChange={({ value }) => setSearchParams({ part: value })}
        value={part}
        variant="line"
      >
        <Tabs.List>
          {PARTS.map((key) => (
            <Tabs.Trigger key={key} value={key}>
              {words.parts[key]}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {PARTS.map((key) => (
          <Tabs.Content flex={1} key={key} minH={0} overflow="auto" pt={3} value={key}>
            {key !== part ? undefined : (
              <Suspense fallback={<Loading />}>
                {part === "graph" ? (
                  <GraphPart configuration={configuration} />
                ) : part === "rules" ? (
                  <RulesPart configuration={configuration} />
                ) : part === "yaml" ? (
                  <YamlPart configuration={configuration} />
                ) : (
                  <Versions configuration={configuration} />
                )}
              </Suspense>
            )}
          </Tabs.Content>
        ))}
      </Tabs.Root>
    </Flex>
  );
};

type PartProps = { readonly configuration: ConfigurationDetail };

const Header = ({ configuration }: PartProps) => (
  <Flex align="center" columnGap={5} rowGap={1} wrap="wrap">
    <Heading as="h2" overflowWrap="anywhere" size="md">
      {configuration.name}
    </Heading>
    {configuration.is_deployed ? undefined : <Badge colorPalette="warning">{words.notDeployed}</Badge>}
    <Text color="fg.muted">
      {words.deployedAt} <Time moment={configuration.deployed_at} />
    </Text>
    <ViewLink params={{ configuration: configuration.name }} view="sessions">
      {words.sessionCount(countText(configuration, configuration.sessions))}
    </ViewLink>
    <Text color="fg.muted">{words.openCount(countText(configuration, configuration.open))}</Text>
    {configuration.failed === 0 ? undefined : (
      <ViewLink color="failed.fg" params={{ configuration: configuration.name }} view="attention">
        {words.failedCount(countText(configuration, configuration.failed))}
      </ViewLink>
    )}
    <AirflowLink to={dagAddress(configuration.dag_id)}>{words.dag}</AirflowLink>
  </Flex>
);

const Problems = ({ configuration }: PartProps) => (
  <>
    {configuration.import_error === null ? undefined : (
      <Alert.Root status="error">
        <Alert.Indicator />
        <Alert.Content>
          <Alert.Title>{words.brokenTitle}</Alert.Title>
          <Alert.Description whiteSpace="pre-wrap">{configuration.import_error}</Alert.Description>
        </Alert.Content>
      </Alert.Root>
    )}
    {configuration.warnings.length === 0 ? undefined : (
      <Alert.Root status="warning">
        <Alert.Indicator />
        <Alert.Content>
          <Alert.Title>{words.warningCount(configuration.warnings.length)}</Alert.Title>
          <Alert.Description as="ul" ps={4}>
            {configuration.warnings.map((warning) => (
              <li key={`${warning.task} ${warning.code} ${warning.text}`}>
                {warning.task === null ? warning.text : `${warning.task}: ${warning.text}`}
              </li>
            ))}
          </Alert.Description>
        </Alert.Content>
      </Alert.Root>
    )}
  </>
);

const GraphPart = ({ configuration }: PartProps) => {
  const node = useSearchParam("node");
  const setSearchParams = useSetSearchParams();
  const cyclic = new Set(configuration.graph.cycles.flat());
  const lookOf = (id: string): NodeLook => {
    const task = configuration.tasks[id];
    if (task === undefined) {
      return {};
    }
    const counts = [
      ...(task.failed > 0 ? [words.failedHere(countText(configuration, task.failed))] : []),
      ...(task.waiting > 0 ? [words.waitingHere(countText(configuration, task.waiting))] : []),
      ...(cyclic.has(id) ? [words.inCycle] : []),
    ].join(", ");
    return {
      children: counts,
      description: [task.sentence, counts].filter(Boolean).join(" "),
      isFilled: task.failed > 0 || cyclic.has(id),
      palette: task.failed > 0 ? "failed" : cyclic.has(id) ? "warning" : "none",
    };
  };
  return (
    <Flex direction={{ base: "column", lg: "row" }} gap={3} h="100%">
      <Box flex={2} minH="320px" minW={0}>
        <RuleGraphView
          currentId={node}
          graph={configuration.graph}
          label={words.graphLabel(configuration.name)}
          lookOf={lookOf}
          onSelect={(id) => setSearchParams({ node: id }, { replace: true })}
        />
      </Box>
      {node === undefined ? undefined : <NodeNote configuration={configuration} node={node} />}
    </Flex>
  );
};

const NodeNote = ({ configuration, node }: PartProps & { readonly node: string }) => {
  const task = configuration.tasks[node];
  const cycles = configuration.graph.cycles.filter((cycle) => cycle.includes(node));
  return (
    <Flex
      aria-label={node}
      aria-live="polite"
      as="section"
      borderRadius="sm"
      borderWidth={1}
      direction="column"
      flex={1}
      gap={2}
      overflow="auto"
      p={3}
    >
      <Heading as="h3" overflowWrap="anywhere" size="sm">
        {node}
      </Heading>
      {task === undefined ? (
        <ViewLink params={{ configuration: configuration.name, waiting_for: node }} view="sessions">
          {words.waitingFor}
        </ViewLink>
      ) : (
        <>
          <Text>{task.sentence}</Text>
          {cycles.map((cycle) => (
            <Text color="fg.warning" key={cycle.join(" ")}>
              {words.cycle(cycle)}
            </Text>
          ))}
          {task.failed > 0 ? (
            <ViewLink color="failed.fg" params={{ configuration: configuration.name, task: node }} view="attention">
              {words.failedHere(countText(configuration, task.failed))}
            </ViewLink>
          ) : undefined}
          {task.waiting > 0 ? (
            <Text color="fg.muted">{words.waitingHere(countText(configuration, task.waiting))}</Text>
          ) : undefined}
          {task.dag_id ? <AirflowLink to={dagAddress(task.dag_id)}>{task.dag_id}</AirflowLink> : undefined}
        </>
      )}
    </Flex>
  );
};

const RulesPart = ({ configuration }: PartProps) => (
  <Flex as="dl" direction="column">
    {Object.entries(configuration.sentences).map(([task, sentence]) => (
      <Box borderBottomWidth={1} key={task} py={2}>
        <dt>
          <strong>{task}</strong>
        </dt>
        <dd>{sentence}</dd>
      </Box>
    ))}
  </Flex>
);

const YamlPart = ({ configuration }: PartProps) =>
  configuration.yaml === null ? (
    <Text color="fg.muted">{configuration.yaml_note ?? words.noYaml}</Text>
  ) : (
    <Code aria-label={words.parts.yaml} display="block" overflow="auto" p={3} role="region" tabIndex={0} whiteSpace="pre">
      {configuration.yaml}
    </Code>
  );
