// What is made of repeated measurements. Time inside workerd is disturbed only upwards, so the best block counts. Rates over HTTP are
// disturbed both ways, now and then by a factor of three: they are compared in many short pairs that ran one after the other, and
// the median counts, with an interval that supposes nothing about how they are spread. (Tried: means of logarithms with
// Student's t. The outliers made the interval four times as wide.)
export const best = (values) => Math.min(...values);

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median of ratios and its 95 % interval: of n values in order, those n/2 ± 0.98·√n (the binomial's normal approximation). */
export function medianInterval(ratios) {
  const sorted = ratios.toSorted((a, b) => a - b);
  const half = 0.98 * Math.sqrt(sorted.length);
  const at = (rank) => sorted[Math.min(sorted.length - 1, Math.max(0, rank))];
  return {
    ratio: median(sorted), low: at(Math.floor(sorted.length / 2 - half) - 1), high: at(Math.ceil(sorted.length / 2 + half)),
  };
}

/** Of measurements, the one below which so large a part of them lies. */
export const quantile = (values, part) => values.toSorted((a, b) => a - b)[Math.floor(values.length * part)];

/** The list, begun at another place each round: whoever goes first is disturbed differently. */
export const rotated = (list, round) => list.map((_, index) => list[(index + round) % list.length]);
