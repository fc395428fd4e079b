// Which cells are shown, and in which order their TEPs.

const ONLY = {
  attention: "needs attention", stateful: "stateful replaced or deleted",
  new: "new since the check before", gone: "gone since the check before", still: "still as in the check before",
};
const SORTS = {
  worst: "worst verdict", tep: "TEP", ring: "ring", changes: "number of changes", duration: "duration", fleet: "order of the fleet",
};

const severity = new Float64Array(CELLS.count);
for (let cell = 0; cell < CELLS.count; cell++) severity[cell] = destroysStateful(cell) ? -1 : lookOf(verdictOf(cell)).rank;

let searched = null;

// What a search looks at; made when there is the first, so that the page is not kept waiting.
function searchTables() {
  if (searched) return searched;
  const texts = DATA.texts.map((each) => each.toLowerCase());
  const lists = DATA.lists.map((list) => list.map((number) => `${texts[DATA.changes[number][0]]} ${texts[DATA.changes[number][1]]}`).join(" "));
  const teps = TEPS.name.map((name, tep) => `${name} ${TEPS.account[tep]}`.toLowerCase());
  const withMarks = (table) => table.map((each) => DATA.marks.some((mark) => each.includes(mark)));
  searched = { texts, lists, teps, markedTexts: withMarks(texts), markedLists: withMarks(lists) };
  return searched;
}

// Each text of a table is looked at once, not once for each of the cells that have it; but for those that read otherwise in each TEP.
function tableTest(table, marked, word) {
  const plain = table.map((each) => each.includes(word));
  return (number, tep) => plain[number] || (marked[number] && unmarked(table[number], tep).toLowerCase().includes(word));
}

function wordTest(word) {
  const { texts, lists, teps, markedTexts, markedLists } = searchTables();
  const [inText, inList] = [tableTest(texts, markedTexts, word), tableTest(lists, markedLists, word)];
  const inTep = teps.map((each) => each.includes(word));
  const inIds = (cell) => DATA.ids[cell] !== undefined && DATA.ids[cell].flat().some((id) => id.toLowerCase().includes(word));
  const columns = ["project", "message", "cause", "state", "verdict"].map((name) => CELLS[name]);
  return (cell) => {
    const tep = CELLS.tep[cell];
    return inTep[tep] || columns.some((column) => inText(column[cell], tep)) || inList(CELLS.resources[cell], tep) || inList(CELLS.drift[cell], tep)
      || inIds(cell);
  };
}

function tenantTest() {
  const wanted = state.tenant.trim();
  if (!wanted) return null;
  const exact = TEPS.tenant.includes(wanted);
  const fits = TEPS.tenant.map((tenant) => (exact ? tenant === wanted : tenant.toLowerCase().includes(wanted.toLowerCase())));
  return (cell) => fits[CELLS.tep[cell]];
}

function onlyTest() {
  if (!state.only) return null;
  if (state.only === "attention") return needsAttention;
  return state.only === "stateful" ? destroysStateful : (cell) => trendOf[cell] === state.only;
}

function tests() {
  return [
    state.verdicts.size ? (cell) => state.verdicts.has(verdictOf(cell)) : null,
    state.ring ? (cell) => TEPS.ring[CELLS.tep[cell]] === state.ring : null,
    state.environment ? (cell) => TEPS.environment[CELLS.tep[cell]] === state.environment : null,
    state.project ? (cell) => raw("project", cell) === state.project : null,
    tenantTest(),
    onlyTest(),
    ...state.search.toLowerCase().split(/\s+/).filter(Boolean).map(wordTest),
  ].filter(Boolean);
}

function matchingCells() {
  const wanted = tests();
  const matched = new Uint8Array(CELLS.count);
  for (let cell = 0; cell < CELLS.count; cell++) if (wanted.every((test) => test(cell))) matched[cell] = 1;
  return matched;
}

const byName = new Intl.Collator("en", { numeric: true });
const nameRank = new Int32Array(TEPS.name.length);
TEPS.name.map((name, tep) => tep).sort((one, other) => byName.compare(TEPS.name[one], TEPS.name[other])).forEach((tep, rank) => { nameRank[tep] = rank; });

// What a TEP is sorted by, the least first, of its cells that are shown.
function sortKeys(matched) {
  const keys = new Float64Array(TEPS.name.length);
  if (state.sort === "worst") keys.fill(Infinity);
  for (let tep = 0; tep < keys.length; tep++) {
    if (state.sort === "tep") keys[tep] = nameRank[tep];
    if (state.sort === "ring") keys[tep] = DATA.rings.indexOf(TEPS.ring[tep]);
    if (state.sort === "fleet") keys[tep] = tep;
  }
  for (let cell = 0; cell < CELLS.count; cell++) {
    if (!matched[cell]) continue;
    const tep = CELLS.tep[cell];
    if (state.sort === "worst") keys[tep] = Math.min(keys[tep], severity[cell]);
    if (state.sort === "changes") keys[tep] -= totals[CELLS.counts[cell]];
    if (state.sort === "duration") keys[tep] -= CELLS.duration[cell] || 0;
  }
  return keys;
}

function orderedTeps(matched) {
  const shown = new Uint8Array(TEPS.name.length);
  for (let cell = 0; cell < CELLS.count; cell++) if (matched[cell]) shown[CELLS.tep[cell]] = 1;
  const keys = sortKeys(matched);
  const order = [];
  for (let tep = 0; tep < shown.length; tep++) if (shown[tep]) order.push(tep);
  order.sort((one, other) => keys[one] - keys[other] || nameRank[one] - nameRank[other]);
  return state.reverse ? order.reverse() : order;
}
