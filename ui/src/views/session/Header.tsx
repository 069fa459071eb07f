import { Badge, Flex, Heading, Text } from "@chakra-ui/react";
import { LuTriangleAlert } from "react-icons/lu";

import type { SessionDetail } from "~/api/types";
import { StatusCounts } from "~/components/StatusCounts";
import { Age, Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import { texts } from "~/texts";

import { Json } from "./Json";
import { totalCounts } from "./counts";

const words = texts.session;

/** Who the session is: its UID, its rules, how old it is, what it carries, and how its instances stand. */
export const Header = ({ session }: { readonly session: SessionDetail }) => (
  <Flex direction="column" gap={2}>
    <Flex align="center" gap={3} wrap="wrap">
      <Heading as="h2" overflowWrap="anywhere" size="md">
        {session.uid}
      </Heading>
      <StatusCounts counts={totalCounts(session)} />
    </Flex>
    <Flex align="center" color="fg.muted" columnGap={5} fontSize="sm" rowGap={1} wrap="wrap">
      {session.configuration === null ? undefined : (
        <Flex align="center" gap={1}>
          {words.configuration}
          <ViewLink params={{ configuration: session.configuration }} view="configuration">
            {session.configuration}
          </ViewLink>
          {session.version === null ? undefined : session.version.is_deployed ? (
            <Badge>{words.deployedRules}</Badge>
          ) : (
            <Badge colorPalette="warning">
              <LuTriangleAlert aria-hidden /> {words.notDeployed}
            </Badge>
          )}
        </Flex>
      )}
      {session.manager === "default" ? undefined : (
        <Text>
          {words.manager} {session.manager}
        </Text>
      )}
      <Text>
        {texts.sessions.age} <Age moment={session.created} />
      </Text>
      <Text>
        {words.lastChange} <Time moment={session.last_modified} />
      </Text>
      {Object.keys(session.metadata).length > 0 ? <Json label={words.metadata} value={session.metadata} /> : undefined}
    </Flex>
  </Flex>
);
