import { Tabs } from "@chakra-ui/react";
import type { ReactNode } from "react";

import { texts } from "~/texts";
import { useSearchParam, useSetSearchParams } from "~/viewState";

import { ParkedPart } from "./Parked";
import { UnheardPart } from "./Unheard";
import { UpcomingPart } from "./Upcoming";

const words = texts.fires;

const PARTS = ["unheard", "upcoming", "parked"] as const;
type Part = (typeof PARTS)[number];

const isPart = (name: string | undefined): name is Part => (PARTS as ReadonlyArray<string | undefined>).includes(name);

const PART_COMPONENTS: Readonly<Record<Part, () => ReactNode>> = {
  parked: () => <ParkedPart />,
  unheard: () => <UnheardPart />,
  upcoming: () => <UpcomingPart />,
};

/** Fires that nobody heard, fires to come, and what could not be fired, over all sessions. */
const FiresView = () => {
  const requestedPart = useSearchParam("part");
  const setSearchParams = useSetSearchParams();
  const part = isPart(requestedPart) ? requestedPart : "unheard";
  return (
    <Tabs.Root
      display="flex"
      flexDirection="column"
      h="100%"
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
      {PARTS.map((name) => (
        <Tabs.Content flex={1} key={name} minH={0} overflow="auto" pt={3} value={name}>
          {name === part ? PART_COMPONENTS[name]() : undefined}
        </Tabs.Content>
      ))}
    </Tabs.Root>
  );
};

export default FiresView;
