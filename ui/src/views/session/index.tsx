import { Flex, Tabs } from "@chakra-ui/react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { Suspense, useState } from "react";

import { useRefreshInterval } from "~/airflow/config";
import { failureOf } from "~/api/failures";
import { ActButton } from "~/components/ActButton";
import { Empty, Failed, Loading } from "~/components/states";
import { texts } from "~/texts";
import { useSearchParam, useSetSearchParams } from "~/viewState";

import { FireDialog } from "./FireDialog";
import { GraphPart } from "./GraphPart";
import { Header } from "./Header";
import { InstanceDrawer } from "./InstanceDrawer";
import { InstancesPart } from "./InstancesPart";
import { StoryPart } from "./StoryPart";
import { ToComePart } from "./ToComePart";
import { sessionQuery } from "./queries";

const words = texts.session;

const PARTS = ["graph", "instances", "story", "fires"] as const;
type Part = (typeof PARTS)[number];

const isPart = (name: string | undefined): name is Part => (PARTS as readonly (string | undefined)[]).includes(name);

const SessionView = () => {
  const uid = useSearchParam("session");
  const instance = useSearchParam("instance");
  return uid === undefined ? (
    <Empty detail={words.noneNamedDetail} title={words.noneNamed} />
  ) : (
    <>
      <Session uid={uid} />
      {instance === undefined ? undefined : <InstanceDrawer key={instance} name={instance} uid={uid} />}
    </>
  );
};

const Session = ({ uid }: { readonly uid: string }) => {
  const requestedPart = useSearchParam("part");
  const setSearchParams = useSetSearchParams();
  const refetchInterval = useRefreshInterval();
  const [firedTrigger, setFiredTrigger] = useState<string>();
  const {
    data: session,
    error,
    refetch,
  } = useQuery({ ...sessionQuery(uid), placeholderData: keepPreviousData, refetchInterval });
  const failure = failureOf({ data: session, error });
  if (failure) {
    return <Failed error={failure} retry={() => void refetch()} />;
  }
  if (session === undefined) {
    return <Loading />;
  }
  const part = isPart(requestedPart) ? requestedPart : "graph";
  const triggers = [
    ...new Set(
      Object.values(session.tasks)
        .flatMap((rules) => [...(rules.after ?? []), ...(rules.andEvery ? [rules.andEvery] : []), ...(rules.unless ?? [])])
        .filter((name) => !(name in session.tasks)),
    ),
  ];
  return (
    <Flex direction="column" gap={3} h="100%">
      <Flex align="start" gap={3} justify="space-between" wrap="wrap">
        <Header session={session} />
        <ActButton act={session.acts.fire} onClick={() => setFiredTrigger("")}>
          {words.fireAct}
        </ActButton>
      </Flex>
      <Tabs.Root
        aria-label={words.partsLabel}
        display="flex"
        flex={1}
        flexDirection="column"
        minH={0}
        onValueChange={({ value }) => setSearchParams({ part: value })}
        value={part}
        variant="line"
      >
        <Tabs.List>
          {PARTS.map((name) => (
            <Tabs.Trigger key={name} value={name}>
              {words.parts[name]}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        <Tabs.Content flex={1} minH={0} pb={0} pt={3} value={part}>
          <Suspense fallback={<Loading />}>
            {part === "graph" ? (
              <GraphPart onFire={setFiredTrigger} session={session} />
            ) : part === "instances" ? (
              <InstancesPart session={session} />
            ) : part === "story" ? (
              <StoryPart session={session} />
            ) : (
              <ToComePart session={session} />
            )}
          </Suspense>
        </Tabs.Content>
      </Tabs.Root>
      {firedTrigger === undefined ? undefined : (
        <FireDialog
          initialTrigger={firedTrigger}
          latestKwargs={session.latest_triggers}
          onClose={() => setFiredTrigger(undefined)}
          triggers={triggers}
          uid={uid}
        />
      )}
    </Flex>
  );
};

export default SessionView;
