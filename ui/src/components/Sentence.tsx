import { Fragment } from "react";

import { sentenceParts } from "~/times";

import { Time } from "./Time";

/** A sentence of the server. Its moments, which are in UTC, are written in Airflow's chosen zone. */
export const Sentence = ({ text }: { readonly text: string }) =>
  sentenceParts(text).map((part, index) => (
    <Fragment key={index}>{"moment" in part ? <Time moment={part.moment} /> : part.words}</Fragment>
  ));
