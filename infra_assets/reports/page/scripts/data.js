// The report as its writer has packed it (`columns.py`): columns of numbers into tables of what they stand for.

const DATA = JSON.parse(byId("data").textContent);
const CELLS = { count: 0, tep: [], project: [], ...DATA.cells };
CELLS.count = CELLS.tep.length;
const TEPS = DATA.teps;
const PROJECTS = [...new Set(CELLS.project)]; // numbers of texts, upstream first
const STATEFUL = 1;
const PROTECTED = 2;

const columnOf = new Map(PROJECTS.map((project, column) => [project, column]));
const cellAt = new Int32Array(TEPS.name.length * PROJECTS.length).fill(-1);
for (let cell = 0; cell < CELLS.count; cell++) cellAt[CELLS.tep[cell] * PROJECTS.length + columnOf.get(CELLS.project[cell])] = cell;

const raw = (column, cell) => DATA.texts[CELLS[column][cell]];

// A text as it reads in one TEP: with the TEP's own name and account where the marks are. Without a TEP, as it reads in any.
const ANY = -1;

function unmarked(words, tep) {
  const [name, account] = tep === ANY ? ["‹TEP›", "‹account›"] : [TEPS.name[tep], TEPS.account[tep]];
  // By functions: `$&` in a text would mean something.
  return words.replaceAll(DATA.marks[0], () => name).replaceAll(DATA.marks[1], () => account);
}

const text = (number, tep) => unmarked(DATA.texts[number], tep);

const said = (column, cell) => text(CELLS[column][cell], CELLS.tep[cell]);
const verdictOf = (cell) => raw("verdict", cell) || raw("state", cell);
const nameOf = (cell) => `${raw("project", cell)}/${TEPS.name[CELLS.tep[cell]]}`;
const totals = DATA.counts.map((counts) => counts.reduce((sum, count) => sum + count, 0));

function changeOf(number) {
  const [type, name, operation, flags, ...properties] = DATA.changes[number];
  return {
    type: DATA.texts[type], name, operation: DATA.texts[operation], properties,
    stateful: (flags & STATEFUL) > 0, protected: (flags & PROTECTED) > 0,
  };
}

const destroys = (change) => change.operation === "replace" || change.operation === "delete";
const listDestroysStateful = DATA.lists.map((list) => list.some((number) => {
  const change = changeOf(number);
  return change.stateful && destroys(change);
}));
const destroysStateful = (cell) => listDestroysStateful[CELLS.resources[cell]] || listDestroysStateful[CELLS.drift[cell]];

const clean = new Set(DATA.clean);
// A cell without a verdict was not looked at, and does not read as clean.
const needsAttention = (cell) => !clean.has(raw("verdict", cell)) || destroysStateful(cell);

const trendOf = new Array(CELLS.count).fill("");
for (const [name, cells] of Object.entries(DATA.trend || {})) {
  for (const cell of cells) if (typeof cell === "number") trendOf[cell] = name;
}
