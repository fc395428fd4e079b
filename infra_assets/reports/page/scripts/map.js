// The map: a row a TEP, a cell a project. Only the rows that can be seen are in the document.

const NARROW = matchMedia("(max-width: 699px)");
const SPARE_ROWS = 3;
const CELL_WIDTH = 124;
const map = { order: [], matched: new Uint8Array(0), columns: [], rows: new Map(), height: 56, active: { tep: -1, column: 0 } };

// The heights are those of `map.css`.
function rowHeight() {
  if (!NARROW.matches) return state.dense ? 28 : 56;
  return 34 + Math.ceil(map.columns.length / 2) * ((state.dense ? 38 : 64) + 3) + 8;
}

function drawMap() {
  map.columns = PROJECTS.map((project, column) => column).filter((column) => !state.project || DATA.texts[PROJECTS[column]] === state.project);
  map.matched = matchingCells();
  map.order = orderedTeps(map.matched);
  map.place = new Map(map.order.map((tep, place) => [tep, place]));
  map.height = rowHeight();
  if (!map.place.has(map.active.tep)) map.active = { tep: map.order.length ? map.order[0] : -1, column: map.columns[0] || 0 };
  if (!map.columns.includes(map.active.column)) map.active.column = map.columns[0];
  const grid = byId("grid");
  grid.classList.toggle("cards", NARROW.matches);
  grid.classList.toggle("dense", state.dense);
  grid.style.setProperty("--projects", map.columns.length);
  grid.style.setProperty("--width", NARROW.matches ? "0" : `${190 + map.columns.length * CELL_WIDTH}px`);
  grid.style.setProperty("--row", `${map.height}px`);
  grid.setAttribute("aria-rowcount", map.order.length + 1);
  grid.setAttribute("aria-colcount", map.columns.length + 1);
  byId("grid-body").style.height = `${map.order.length * map.height}px`;
  byId("grid").hidden = !map.order.length;
  byId("empty").hidden = map.order.length > 0;
  byId("grid-head").replaceChildren(headRow());
  byId("grid-body").replaceChildren();
  map.rows.clear();
  drawVisible();
}

function headRow() {
  const row = element("div", { role: "row", class: "row", "aria-rowindex": 1 }, element("div", { role: "columnheader", "aria-colindex": 1 }, "TEP"));
  const unclean = new Int32Array(PROJECTS.length);
  for (let cell = 0; cell < CELLS.count; cell++) if (map.matched[cell] && needsAttention(cell)) unclean[columnOf.get(CELLS.project[cell])]++;
  map.columns.forEach((column, place) => {
    const project = DATA.texts[PROJECTS[column]];
    row.append(element("div", { role: "columnheader", "aria-colindex": place + 2, title: project },
      project, element("small", {}, unclean[column] ? `${digits(unclean[column])} not clean` : "clean")));
  });
  return row;
}

function visiblePlaces() {
  const box = byId("scroll");
  const first = Math.max(0, Math.floor(box.scrollTop / map.height) - SPARE_ROWS);
  return [first, Math.min(map.order.length, Math.ceil((box.scrollTop + box.clientHeight) / map.height) + SPARE_ROWS)];
}

function drawVisible() {
  const [first, end] = visiblePlaces();
  const focused = document.activeElement && document.activeElement.closest("#grid-body .row");
  for (const [place, row] of map.rows) {
    // A row that has the focus stays: without it the next key would go nowhere.
    if ((place < first || place >= end) && row !== focused) {
      row.remove();
      map.rows.delete(place);
    }
  }
  for (let place = first; place < end; place++) if (!map.rows.has(place)) addRow(place);
}

function addRow(place) {
  const row = tepRow(map.order[place], place);
  map.rows.set(place, row);
  const body = byId("grid-body");
  // Readers go by the document's order.
  let next = null;
  for (const other of body.children) if (Number(other.dataset.place) > place) { next = other; break; }
  body.insertBefore(row, next);
}

function tepRow(tep, place) {
  const row = element("div", { role: "row", class: "row", "aria-rowindex": place + 2, "data-place": place });
  row.style.transform = `translateY(${place * map.height}px)`;
  row.append(element("div", { role: "rowheader", "aria-colindex": 1, title: TEPS.name[tep] },
    element("b", {}, TEPS.name[tep]), element("small", {}, `${TEPS.ring[tep]} · ${TEPS.region[tep]}`)));
  map.columns.forEach((column, index) => row.append(gridCell(tep, column, index + 2)));
  return row;
}

function gridCell(tep, column, index) {
  const cell = cellAt[tep * PROJECTS.length + column];
  const active = tep === map.active.tep && column === map.active.column;
  const attributes = { role: "gridcell", "aria-colindex": index, tabindex: active ? "0" : "-1", "data-tep": tep, "data-column": column };
  const project = element("span", { class: "project" }, DATA.texts[PROJECTS[column]]);
  if (cell < 0) return element("div", { ...attributes, class: "cell absent", "aria-label": `${DATA.texts[PROJECTS[column]]}/${TEPS.name[tep]}: not in this report` }, project, "–");
  const look = lookOf(verdictOf(cell));
  const aside = map.matched[cell] ? "" : " aside";
  const chosen = state.cell === nameOf(cell) ? " chosen" : "";
  return element("div", { ...attributes, class: `cell t-${look.tone}${aside}${chosen}`, "aria-label": cellWords(cell) },
    project,
    element("div", { class: "line" }, element("span", { class: "verdict" }, element("span", { class: "sign" }, look.sign), look.name), ...marks(cell)),
    element("div", { class: "line second" }, element("span", { class: "counts" }, countsText(cell)), element("span", {}, duration(CELLS.duration[cell]))),
    raw("history", cell) ? sparkline(raw("history", cell)) : "");
}

function marks(cell) {
  const found = [];
  if (destroysStateful(cell)) found.push(element("span", { class: "mark stateful", title: "a stateful resource is replaced or deleted" }, "!"));
  if (trendOf[cell] === "new") found.push(element("span", { class: "mark", title: ONLY.new }, "new"));
  if (raw("state", cell) === "never" && raw("verdict", cell)) found.push(element("span", { class: "mark", title: "never deployed" }, "○"));
  return found;
}

function cellWords(cell) {
  return [
    `${nameOf(cell)}: ${verdictOf(cell)}`,
    destroysStateful(cell) ? "a stateful resource is replaced or deleted" : "",
    countsWords(cell), duration(CELLS.duration[cell]), ONLY[trendOf[cell]],
    raw("state", cell) === "never" ? "never deployed" : "",
  ].filter(Boolean).join(", ");
}
