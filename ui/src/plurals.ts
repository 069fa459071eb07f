/** Numbers in texts, and the form of a noun that goes with them. */

const LANGUAGE = "en";

const rules = new Intl.PluralRules(LANGUAGE);
const numbers = new Intl.NumberFormat(LANGUAGE);

export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string };

/** A number with its thousands apart: `12,345`. */
export const number = (value: number): string => numbers.format(value);

/** The form for the count, its `#` replaced by the number: `plural(3, {one: "# session", other: "# sessions"})`. */
export const plural = (count: number, forms: Forms): string =>
  (forms[rules.select(count)] ?? forms.other).replace("#", number(count));

const disjunction = new Intl.ListFormat(LANGUAGE, { type: "disjunction" });

/** Names of which one is meant: `a, b, or c`. */
export const alternatives = (names: readonly string[]): string => disjunction.format(names);
