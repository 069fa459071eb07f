import type { LinkProps } from "@chakra-ui/react";
import { Link } from "@chakra-ui/react";
import { Link as RouterLink } from "react-router-dom";

import type { View } from "~/views";
import type { Params } from "~/viewState";
import { viewAddress } from "~/viewState";

export type ViewLinkProps = Omit<LinkProps, "href"> & {
  /** Search parameters besides `view`. */
  readonly params?: Params;
  readonly view: View;
};

/** A link to one of our views, from any page of Airflow. */
export const ViewLink = ({ children, params = {}, view, ...rest }: ViewLinkProps) => (
  <Link asChild color="fg.info" {...rest}>
    <RouterLink to={viewAddress(view, params)}>{children}</RouterLink>
  </Link>
);
