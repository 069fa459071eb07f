import type { LinkProps } from "@chakra-ui/react";
import { Link } from "@chakra-ui/react";
import { Link as RouterLink } from "react-router-dom";

/** A link to a page of Airflow's own; `to` is an address of `airflow/links.ts`. */
export const AirflowLink = ({ children, to, ...rest }: Omit<LinkProps, "href"> & { readonly to: string }) => (
  <Link asChild color="fg.info" {...rest}>
    <RouterLink to={to}>{children}</RouterLink>
  </Link>
);
