/** Fires that touched nothing, by trigger: misspelt ones, and repeats. */
import { Box, Flex, Heading, Table, Text } from "@chakra-ui/react";
import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";

import { useRefreshInterval } from "~/airflow/config";
import { Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import { texts } from "~/texts";
import { Json } from "~/views/session/Json";

import { Pages } from "./Pages";
import { unheardQuery } from "./queries";
import type { UnheardGroup } from "./unheard";
import { unheardGroups } from "./unheard";

const words = texts.fires;

export const UnheardPart = () => {
  const refetchInterval = useRefreshInterval();
  const query = useInfiniteQuery({ ...unheardQuery, refetchInterval });
  const groups = useMemo(() => unheardGroups(query.data?.pages.flatMap((page) => page.fires) ?? []), [query.data]);
  return (
    <Pages
      empty={{ detail: words.noUnheardDetail, title: words.noUnheard }}
      items={groups}
      query={query as UseInfiniteQueryResult}
    >
      {(items) => (
        <Flex direction="column" gap={4}>
          <UnheardSection groups={items.filter(({ isUsed }) => !isUsed)} title={words.misspelt} />
          <UnheardSection groups={items.filter(({ isUsed }) => isUsed)} title={words.repeats} />
        </Flex>
      )}
    </Pages>
  );
};

type UnheardSectionProps = { readonly groups: readonly UnheardGroup[]; readonly title: string };

const UnheardSection = ({ groups, title }: UnheardSectionProps) =>
  groups.length === 0 ? undefined : (
    <Box aria-label={title} as="section">
      <Heading as="h3" mb={1} size="sm">
        {title}
      </Heading>
      {groups.map((group) => (
        <Box asChild borderBottomWidth={1} key={group.trigger} py={1}>
          <details>
            <summary style={{ cursor: "pointer" }}>
              <strong>{group.trigger}</strong> {words.times(group.fires.length)}{" "}
              <Time moment={group.latest} />
              {group.similar.length === 0 ? undefined : (
                <Text as="span" color="fg.warning">
                  {" "}
                  {words.didYouMean(group.similar)}
                </Text>
              )}
            </summary>
            <Table.Root aria-label={words.firesOf(group.trigger)} size="sm">
              <Table.Body>
                {group.fires.map((fire) => (
                  <Table.Row key={`${fire.session_uid} ${fire.fire_id}`}>
                    <Table.Cell>
                      <ViewLink params={{ part: "story", session: fire.session_uid }} view="session">
                        {fire.session_uid}
                      </ViewLink>
                    </Table.Cell>
                    <Table.Cell>
                      <Time moment={fire.fired_at} />
                    </Table.Cell>
                    <Table.Cell>{fire.fired_by ?? texts.common.none}</Table.Cell>
                    <Table.Cell>
                      <Json label={texts.session.kwargs} value={fire.kwargs} />
                    </Table.Cell>
                  </Table.Row>
                ))}
              </Table.Body>
            </Table.Root>
          </details>
        </Box>
      ))}
    </Box>
  );
