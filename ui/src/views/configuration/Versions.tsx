import { Badge, Flex, Table, Text } from "@chakra-ui/react";
import { useState } from "react";

import type { ConfigurationDetail } from "~/api/types";
import { ActButton } from "~/components/ActButton";
import { Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import { texts } from "~/texts";

import { countText } from "./ConfigurationList";
import { MigrateDialog } from "./MigrateDialog";

const words = texts.configuration;

const SHOWN = 12;

/** The versions that sessions have, newest first, and the move of open sessions to the deployed one. */
export const Versions = ({ configuration }: { readonly configuration: ConfigurationDetail }) => {
  const [asks, setAsks] = useState(false);
  const older = configuration.versions.filter(({ is_deployed: isDeployed }) => !isDeployed);
  const open = older.reduce((sum, version) => sum + version.open, 0);
  return (
    <Flex align="start" direction="column" gap={3}>
      <Table.Root aria-label={words.parts.versions} size="sm">
        <Table.Header>
          <Table.Row>
            <Table.ColumnHeader>{words.version}</Table.ColumnHeader>
            <Table.ColumnHeader>{words.deployedAt}</Table.ColumnHeader>
            <Table.ColumnHeader textAlign="end">{words.sessions}</Table.ColumnHeader>
            <Table.ColumnHeader textAlign="end">{words.open}</Table.ColumnHeader>
          </Table.Row>
        </Table.Header>
        <Table.Body>
          {configuration.versions.map((version) => (
            <Table.Row key={version.version}>
              <Table.Cell>
                <ViewLink
                  params={{ configuration: configuration.name, version: version.version }}
                  title={version.version}
                  view="sessions"
                >
                  {version.version.slice(0, SHOWN)}
                </ViewLink>{" "}
                {version.is_deployed ? <Badge colorPalette="success">{words.deployed}</Badge> : undefined}
              </Table.Cell>
              <Table.Cell>
                <Time moment={version.deployed_at} />
              </Table.Cell>
              <Table.Cell textAlign="end">{countText(configuration, version.sessions)}</Table.Cell>
              <Table.Cell textAlign="end">{countText(configuration, version.open)}</Table.Cell>
            </Table.Row>
          ))}
        </Table.Body>
      </Table.Root>
      <Flex align="center" gap={3} wrap="wrap">
        <Text color={open === 0 ? "fg.muted" : undefined}>
          {open === 0 ? words.nothingToMigrate : words.toMigrate(countText(configuration, open))}
        </Text>
        {configuration.sessions === 0 ? undefined : (
          <ActButton act={configuration.acts.migrate} onClick={() => setAsks(true)}>
            {words.migrateAct}
          </ActButton>
        )}
      </Flex>
      {asks ? <MigrateDialog name={configuration.name} onClose={() => setAsks(false)} /> : undefined}
    </Flex>
  );
};
