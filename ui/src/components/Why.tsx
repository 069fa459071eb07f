import { Box, List, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";

import { path, request } from "~/api/client";
import type { Explanation, InstanceKey } from "~/api/types";
import { useFirstViewShown } from "~/firstView";

import { Sentence } from "./Sentence";
import { Failed, Loading } from "./states";

export type WhyProps = InstanceKey & {
  /** It waits until the page has shown what one sees first. */
  readonly isLater?: boolean;
};

/** Why an instance has not run, or has failed, in the server's sentences. `name` may be a task: its next instance. */
export const Why = ({ isLater = false, name, session_uid: sessionUid }: WhyProps) => {
  const isShown = useFirstViewShown();
  const { data, error, refetch } = useQuery({
    enabled: !isLater || isShown,
    queryFn: async ({ signal }) =>
      request<Explanation>(path("/sessions/{}/instances/{}/why", sessionUid, name), { signal }),
    queryKey: ["why", sessionUid, name],
  });
  if (error) {
    return <Failed error={error} retry={() => void refetch()} />;
  }
  if (data === undefined) {
    return <Loading />;
  }
  return (
    <Box fontSize="sm">
      <Text fontWeight="medium"><Sentence text={data.answer} /></Text>
      {data.reasons.length > 0 ? (
        <List.Root mt={2} ps={4}>
          {data.reasons.map((reason) => (
            <List.Item key={`${reason.code} ${reason.text}`}><Sentence text={reason.text} /></List.Item>
          ))}
        </List.Root>
      ) : undefined}
      <Text color="fg.muted" mt={2}>
        {data.rule}
      </Text>
    </Box>
  );
};
