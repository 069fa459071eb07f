/** The drawing of rules, loaded when it is shown; the graph's types and functions come from `./rules`. */
import { lazy } from "react";

export type { NodeLook, RuleGraphViewProps } from "./RuleGraphView";

export const RuleGraphView = lazy(() => import("./RuleGraphView"));
