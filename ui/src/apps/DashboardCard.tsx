import { lazy } from "react";

import { AppFrame } from "./AppFrame";

const Card = lazy(() => import("~/views/dashboard"));

/** The app on Airflow's start page. */
export const DashboardCard = () => (
  <AppFrame>
    <Card />
  </AppFrame>
);
