import type { InputProps } from "@chakra-ui/react";
import { Input } from "@chakra-ui/react";
import { useEffect, useRef, useState } from "react";

import { useSearchParam, useSetSearchParams } from "~/viewState";

/** After this pause in typing, in milliseconds, the address changes. */
const PAUSE = 300;

export type SearchInputProps = Omit<InputProps, "onChange" | "value"> & {
  readonly label: string;
  /** The search parameter that it writes. */
  readonly param: string;
};

/** A field that writes a search parameter while one types; the browser's history gets no entry for each letter. */
export const SearchInput = ({ label, param, ...rest }: SearchInputProps) => {
  const value = useSearchParam(param) ?? "";
  const setSearchParams = useSetSearchParams();
  const [text, setText] = useState(value);
  const written = useRef(value);

  useEffect(() => {
    // The address has changed by something else: the back button, or a button that clears the filters.
    if (value !== written.current) {
      written.current = value;
      setText(value);
    }
  }, [value]);

  useEffect(() => {
    if (text === written.current) {
      return undefined;
    }
    const timer = setTimeout(() => {
      written.current = text;
      setSearchParams({ [param]: text }, { replace: true });
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [param, setSearchParams, text]);

  return (
    <Input
      aria-label={label}
      maxW="16em"
      onChange={(event) => setText(event.target.value)}
      placeholder={label}
      size="sm"
      type="search"
      value={text}
      {...rest}
    />
  );
};
