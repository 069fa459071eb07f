import { Button } from "@chakra-ui/react";
import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import { failureOf } from "~/api/failures";
import { Empty, Failed, Loading } from "~/components/states";
import { texts } from "~/texts";

type PagesProps<Item> = {
  readonly children: (items: readonly Item[]) => ReactNode;
  readonly empty: { readonly detail: string; readonly title: string };
  readonly items: readonly Item[];
  readonly query: Pick<
    UseInfiniteQueryResult,
    "data" | "error" | "fetchNextPage" | "hasNextPage" | "isFetchingNextPage" | "isPending" | "refetch"
  >;
};

/** A list with its states, and a button for the next page. */
export const Pages = <Item,>({ children, empty, items, query }: PagesProps<Item>) => {
  const failure = failureOf(query);
  if (failure) {
    return <Failed error={failure} retry={() => void query.refetch()} />;
  }
  if (query.isPending) {
    return <Loading />;
  }
  if (items.length === 0) {
    return <Empty {...empty} />;
  }
  return (
    <>
      {children(items)}
      {query.hasNextPage ? (
        <Button
          loading={query.isFetchingNextPage}
          mt={2}
          onClick={() => void query.fetchNextPage()}
          size="sm"
          variant="outline"
        >
          {texts.common.loadMore}
        </Button>
      ) : undefined}
    </>
  );
};
