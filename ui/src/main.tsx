/**
 * The bundle's entry: leaves each app where Airflow looks for it, at `globalThis[name]`.
 *
 * The names are those of `react_apps` in `airflow_triggers/plugin.py`. Airflow takes functions only, so no app may be
 * what `memo()` or `lazy()` returns.
 */
import { DashboardCard } from "./apps/DashboardCard";
import { Triggers } from "./apps/Triggers";

Object.assign(globalThis, { Triggers, "Triggers on the dashboard": DashboardCard });
