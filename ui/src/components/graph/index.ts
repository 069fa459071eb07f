/** The drawing of rules, loaded when it is shown; the layout's types and functions come from `./layout`. */
import { lazy } from "react";

export type { NodeLook, RuleGraphViewProps } from "./RuleGraphView";

export const RuleGraphView = lazy(() => import("./RuleGraphView"));
