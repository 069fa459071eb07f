/** The line of an edge: level where it leaves, passes a corner and arrives; curved between. */
import type { Place } from "./layout";

export const pathThrough = (places: readonly Place[]): string =>
  places
    .map(({ x, y }, index) => {
      const before = places[index - 1];
      if (before === undefined) {
        return `M ${x} ${y}`;
      }
      const middle = (before.x + x) / 2;
      return `C ${middle} ${before.y} ${middle} ${y} ${x} ${y}`;
    })
    .join(" ");
