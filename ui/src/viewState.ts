/**
 * The page's state, in the address's search parameters: every view can be linked, reloaded and gone back to.
 *
 * Airflow remounts a plugin's page when its path changes, so nothing is kept in the path.
 */
import { useCallback } from "react";
import { useSearchParams } from "react-router-dom";

import type { View } from "./views";

export const PAGE_PATH = "/plugin/triggers";

export type Params = Readonly<Record<string, number | string | readonly string[] | boolean | undefined>>;

/** Search parameters; what is undefined, empty or false is left out. */
export const searchOf = (params: Params): string => {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    const values = Array.isArray(value) ? (value as readonly string[]) : [value];
    for (const item of values) {
      if (item !== undefined && item !== "" && item !== false) {
        search.append(name, String(item));
      }
    }
  }
  return search.toString();
};

/** The address of a view, for a link of the router. */
export const viewAddress = (view: View, params: Params = {}) => ({
  pathname: PAGE_PATH,
  search: `?${searchOf({ view, ...params })}`,
});

/** A search parameter's value; undefined when it is not there. */
export const useSearchParam = (name: string): string | undefined => useSearchParams()[0].get(name) ?? undefined;

/**
 * Changes search parameters and keeps the others. An undefined or empty value removes one.
 *
 * `replace` overwrites the entry in the browser's history: for what is typed letter by letter.
 */
export const useSetSearchParams = () => {
  const [, setSearchParams] = useSearchParams();
  return useCallback(
    (changes: Params, { replace = false }: { readonly replace?: boolean } = {}) => {
      setSearchParams(
        (current) => {
          const next = new URLSearchParams(current);
          for (const name of Object.keys(changes)) {
            next.delete(name);
          }
          new URLSearchParams(searchOf(changes)).forEach((value, name) => next.append(name, value));
          return next;
        },
        { replace },
      );
    },
    [setSearchParams],
  );
};
