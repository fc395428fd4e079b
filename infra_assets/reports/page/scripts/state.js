// What the person has chosen. The address's end keeps it, so that a link shows another person the same.

const CHOICES = ["ring", "environment", "tenant", "project", "search", "sort", "only", "cell"];
const state = { verdicts: new Set(), ring: "", environment: "", tenant: "", project: "", search: "", sort: "worst", only: "", cell: "", reverse: false, dense: false };

function readAddress() {
  const address = new URLSearchParams(location.hash.slice(1));
  for (const name of CHOICES) state[name] = address.get(name) || "";
  state.sort = SORTS[state.sort] ? state.sort : "worst";
  state.verdicts = new Set((address.get("verdict") || "").split(",").filter(Boolean));
  state.reverse = address.has("reverse");
  state.dense = address.has("dense");
}

function writeAddress() {
  const address = new URLSearchParams();
  for (const name of CHOICES) if (state[name] && !(name === "sort" && state.sort === "worst")) address.set(name, state[name]);
  if (state.verdicts.size) address.set("verdict", [...state.verdicts].join(","));
  if (state.reverse) address.set("reverse", "1");
  if (state.dense) address.set("dense", "1");
  history.replaceState(null, "", `#${address}`);
}

function clearFilters() {
  Object.assign(state, { verdicts: new Set(), ring: "", environment: "", tenant: "", project: "", search: "", only: "" });
}

// The filters as a person would say them; empty where all is shown.
function filtersInWords() {
  const words = ["ring", "environment", "tenant", "project", "search"].filter((name) => state[name]).map((name) => `${name} ${state[name]}`);
  if (state.verdicts.size) words.unshift([...state.verdicts].join(" or "));
  if (state.only) words.unshift(ONLY[state.only]);
  return words.join(", ");
}
