import { lazy } from "react";

import { AppFrame } from "./AppFrame";

const Card = lazy(() => import("~/views/dashboard"));

/** The app on Airflow's start page. Nothing stands in its place while it is loaded: the page would jump. */
export const DashboardCard = () => (
  <AppFrame fallback={false}>
    <Card />
  </AppFrame>
);
