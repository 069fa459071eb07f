import { Alert } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";

import { useRefreshInterval } from "~/airflow/config";
import { healthQuery } from "~/api/health";
import { useFirstViewShown } from "~/firstView";
import { texts } from "~/texts";

import { Sentence } from "./Sentence";

/** Says so when the controllers are dead or behind: then what the page shows does not move. */
export const ControllerBanner = () => {
  const isShown = useFirstViewShown();
  const refetchInterval = useRefreshInterval();
  const { data: health } = useQuery({ ...healthQuery, enabled: isShown, refetchInterval });

  return health?.status === "unhealthy" ? (
    <Alert.Root role="alert" status="warning">
      <Alert.Indicator />
      <Alert.Content>
        <Alert.Title>{texts.controller.unhealthy}</Alert.Title>
        <Alert.Description>{health.reason === null ? undefined : <Sentence text={health.reason} />}</Alert.Description>
      </Alert.Content>
    </Alert.Root>
  ) : undefined;
};
