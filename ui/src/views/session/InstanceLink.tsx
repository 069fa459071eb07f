import type { LinkProps } from "@chakra-ui/react";
import { Link } from "@chakra-ui/react";
import { Link as RouterLink, useSearchParams } from "react-router-dom";

export type InstanceLinkProps = Omit<LinkProps, "href"> & { readonly name: string };

/** Opens an instance beside what the page shows now. */
export const InstanceLink = ({ name, ...rest }: InstanceLinkProps) => {
  const [searchParams] = useSearchParams();
  const search = new URLSearchParams(searchParams);
  search.set("instance", name);
  return (
    <Link asChild color="fg.info" {...rest}>
      <RouterLink to={{ search: `?${search.toString()}` }}>{name}</RouterLink>
    </Link>
  );
};
