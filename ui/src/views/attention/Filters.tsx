import { Button, Flex } from "@chakra-ui/react";

import type { InstanceGroup } from "~/api/types";
import { Choice } from "~/components/Choice";
import { SearchInput } from "~/components/SearchInput";
import { texts } from "~/texts";
import { useSetSearchParams } from "~/viewState";

import type { AttentionFilters } from "./filters";
import { WINDOWS } from "./filters";

/** The different values of a key, and the chosen one even if nothing has it now. */
const valuesOf = (
  groups: readonly InstanceGroup[],
  key: "configuration" | "error_type" | "task",
  chosen: string | undefined,
): Array<readonly [string, string]> => {
  const values = new Set(groups.map((group) => group[key]).filter((value) => typeof value === "string"));
  if (chosen !== undefined) {
    values.add(chosen);
  }
  return [...values].sort().map((value) => [value, value] as const);
};

export type FiltersProps = { readonly filters: AttentionFilters; readonly groups: readonly InstanceGroup[] };

export const Filters = ({ filters, groups }: FiltersProps) => {
  const setSearchParams = useSetSearchParams();
  const isFiltered = Object.values(filters).some((value) => value !== undefined);
  return (
    <Flex align="center" aria-label={texts.attention.filters} gap={2} role="search" wrap="wrap">
      <Choice
        all={texts.attention.anyTime}
        choices={WINDOWS.map((window) => [window, texts.attention.windows[window]])}
        label={texts.attention.time}
        onChange={(window) => setSearchParams({ window })}
        value={filters.window}
      />
      <Choice
        all={texts.attention.anyConfiguration}
        choices={valuesOf(groups, "configuration", filters.configuration)}
        label={texts.attention.configuration}
        onChange={(configuration) => setSearchParams({ configuration })}
        value={filters.configuration}
      />
      <Choice
        all={texts.attention.anyTask}
        choices={valuesOf(groups, "task", filters.task)}
        label={texts.attention.task}
        onChange={(task) => setSearchParams({ task })}
        value={filters.task}
      />
      <Choice
        all={texts.attention.anyError}
        choices={valuesOf(groups, "error_type", filters.error_type)}
        label={texts.attention.error}
        onChange={(errorType) => setSearchParams({ error_type: errorType })}
        value={filters.error_type}
      />
      <SearchInput label={texts.attention.session} param="session_prefix" />
      {isFiltered ? (
        <Button
          onClick={() =>
            setSearchParams({
              configuration: undefined,
              error_type: undefined,
              session_prefix: undefined,
              task: undefined,
              window: undefined,
            })
          }
          size="sm"
          variant="ghost"
        >
          {texts.common.clearFilters}
        </Button>
      ) : undefined}
    </Flex>
  );
};
