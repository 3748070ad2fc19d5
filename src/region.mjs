// Where in the world somebody asks from: the region whose lobbies gather their wishes (durable/src/lobby.rs), by what the platform says of a request. The names
// are the platform's location hints (https://developers.cloudflare.com/durable-objects/reference/data-location/).

/** Asia, but nearer to the Gulf than to Singapore. */
const MIDDLE_EAST = new Set("AE AM AZ BH GE IL IQ IR JO KW LB OM PS QA SA SY TR YE".split(" "));
const EASTERN_EUROPE = new Set("AL BA BG BY CY CZ EE GR HR HU LT LV MD ME MK PL RO RS RU SI SK UA XK".split(" "));
/** Between the coasts of North America, in degrees of longitude. */
const MIDWEST = -100;

const BY_CONTINENT = { AF: "afr", AN: "sam", OC: "oc", SA: "sam" };

export const REGIONS = new Set(["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"]);

/** The region of a request; where the platform says nothing, as on one's own machine, a name of no region. */
export function regionOf({ continent, country, longitude } = {}) {
  switch (continent) {
    case "EU":
      return EASTERN_EUROPE.has(country) ? "eeur" : "weur";
    case "AS":
      return MIDDLE_EAST.has(country) ? "me" : "apac";
    case "NA":
      return Number(longitude) < MIDWEST ? "wnam" : "enam";
    default:
      return BY_CONTINENT[continent] ?? "near";
  }
}
