import { lazy } from "react";

import { AppFrame } from "./AppFrame";
import { TriggersPage } from "./TriggersPage";

const DagTab = lazy(() => import("~/views/dag"));
const RunTab = lazy(() => import("~/views/run"));

/** What Airflow passes to a plugin's app; which of them are set depends on the page. */
export type AirflowProps = {
  readonly dagId?: string;
  readonly runId?: string;
};

/**
 * The app of the navigation's entry and of the tabs on a DAG and on a DAG run. They have one name, as it is their
 * label too; so the props say which it is.
 */
export const Triggers = ({ dagId, runId }: AirflowProps) => (
  <AppFrame>
    {dagId === undefined ? (
      <TriggersPage />
    ) : runId === undefined ? (
      <DagTab dagId={dagId} />
    ) : (
      <RunTab dagId={dagId} runId={runId} />
    )}
  </AppFrame>
);
