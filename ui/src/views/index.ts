/** The views of the page "Triggers", each a chunk of its own. The search parameter `view` names one. */
import type { ComponentType } from "react";
import { lazy } from "react";

export const VIEW_COMPONENTS = {
  attention: lazy(() => import("./attention")),
  configuration: lazy(() => import("./configuration")),
  fires: lazy(() => import("./fires")),
  session: lazy(() => import("./session")),
  sessions: lazy(() => import("./sessions")),
} satisfies Record<string, ComponentType>;

export type View = keyof typeof VIEW_COMPONENTS;

export const DEFAULT_VIEW: View = "attention";

/** In the order of the links; `session` is reached from the others. */
export const VIEWS_IN_NAVIGATION = ["attention", "sessions", "configuration", "fires"] as const satisfies readonly View[];

export const isView = (name: string | undefined): name is View => name !== undefined && name in VIEW_COMPONENTS;
