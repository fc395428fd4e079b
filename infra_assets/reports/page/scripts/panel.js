// All that is known of one cell.

let openedFrom = null;

function openPanel(cell) {
  const panel = byId("panel");
  if (panel.hidden) openedFrom = document.activeElement;
  state.cell = nameOf(cell);
  writeAddress();
  panel.replaceChildren(panelHead(cell), ...panelBody(cell));
  panel.hidden = false;
  inert(NARROW.matches);
  panel.scrollTop = 0;
  markChosen();
  byId("panel-title").focus({ preventScroll: true });
}

function closePanel() {
  byId("panel").hidden = true;
  inert(false);
  state.cell = "";
  writeAddress();
  markChosen();
  // The cell that was looked at last, or what was clicked where that is not in the map.
  const cell = cellElement(map.active.tep, map.active.column);
  if (openedFrom && openedFrom.isConnected && !openedFrom.classList.contains("cell")) openedFrom.focus();
  else if (cell) cell.focus();
}

// On a phone the panel hides the page, so that nothing of it should be reached.
function inert(whether) {
  for (const each of document.querySelectorAll("body > header, body > main")) each.inert = whether;
}

function markChosen() {
  for (const other of byId("grid-body").querySelectorAll(".chosen")) other.classList.remove("chosen");
  const cell = cellNamed(state.cell);
  const shown = cell === null ? null : cellElement(CELLS.tep[cell], columnOf.get(CELLS.project[cell]));
  if (shown) shown.classList.add("chosen");
}

function cellNamed(name) {
  if (!name) return null;
  for (let cell = 0; cell < CELLS.count; cell++) if (nameOf(cell) === name) return cell;
  return null;
}

function panelHead(cell) {
  const tep = CELLS.tep[cell];
  const verdict = verdictOf(cell);
  const bar = element("div", { class: "panel-bar" },
    element("h2", { id: "panel-title", tabindex: "-1" }, nameOf(cell)),
    button({ class: "plain", "aria-label": "The cell before that is shown" }, () => neighbour(cell, -1), "‹"),
    button({ class: "plain", "aria-label": "The next cell that is shown" }, () => neighbour(cell, 1), "›"),
    button({ class: "plain", "aria-label": "Close" }, closePanel, "✕"));
  const badges = element("div", { class: "badges" },
    badge(verdict),
    raw("verdict", cell) && raw("state", cell) !== "deployed" ? badge(raw("state", cell), raw("state", cell) === "never" ? "deployed: " : "state: ") : "",
    destroysStateful(cell) ? statefulBadge() : "",
    trendOf[cell] ? element("span", { class: "badge" }, ONLY[trendOf[cell]]) : "",
    element("span", { class: "badge" }, `ring ${TEPS.ring[tep]}`));
  return element("div", { class: "panel-head" }, bar, badges);
}

function panelBody(cell) {
  const look = lookOf(verdictOf(cell));
  return [
    look.says ? element("p", { class: "says" }, `${look.name}: ${look.says}.`) : null,
    ...findings(cell, DATA.ids[cell]),
    ...historyPart(cell),
    element("h3", {}, "Facts"), facts(cell),
  ].filter(Boolean);
}

function facts(cell) {
  const tep = CELLS.tep[cell];
  const run = raw("run", cell);
  const account = DATA.account.replace("{account}", encodeURIComponent(TEPS.account[tep])).replace("{tep}", encodeURIComponent(TEPS.name[tep]));
  const pairs = [
    ["state", raw("state", cell) === "never" ? "never deployed" : raw("state", cell)],
    ["cause", said("cause", cell)],
    ["changes", [countsText(cell), countsWords(cell)].filter(Boolean).join(" · ")],
    ["duration", duration(CELLS.duration[cell])],
    ["finished", CELLS.finished[cell] === null ? "" : moment(CELLS.finished[cell])],
    ["Dagster run", run && (DATA.runs ? anchor(DATA.runs + encodeURIComponent(run), run) : run)],
    ["AWS account", TEPS.account[tep] && anchor(account, `${TEPS.account[tep]} in the console`)],
    ["region", TEPS.region[tep]],
    ["tenant", TEPS.tenant[tep]],
    ["environment", TEPS.environment[tep]],
  ];
  return element("dl", { class: "facts" }, ...pairs.filter(([, value]) => value).flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));
}

function historyPart(cell) {
  const history = raw("history", cell);
  if (!history) return [];
  const letters = verdictsIn(history).map((verdict, place) =>
    element("li", { class: `t-${lookOf(verdict).tone}`, title: verdict }, element("span", { "aria-hidden": "true" }, history[place]), element("span", { class: "hidden" }, verdict)));
  return [element("h3", {}, "Last checks, oldest first"), element("ol", { class: "checks" }, ...letters), element("p", { class: "says" }, historyWords(history))];
}

// Through the cells that are shown, in the order in which they are.
function neighbour(cell, direction) {
  const shown = map.order.flatMap((tep) => map.columns.map((column) => cellAt[tep * PROJECTS.length + column]).filter((each) => each >= 0 && map.matched[each]));
  const place = shown.indexOf(cell) + direction;
  if (!shown.length) return;
  const next = shown[(place + shown.length) % shown.length];
  map.active = { tep: CELLS.tep[next], column: columnOf.get(CELLS.project[next]) };
  bringIntoView(map.place.get(map.active.tep));
  openPanel(next);
}
