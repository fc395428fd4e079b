// Puts the page together, and follows what a person does.

function draw() {
  drawMap();
  drawStatus();
  writeAddress();
}

function refilter() {
  byId("scroll").scrollTop = 0;
  showChoices();
  draw();
}

function drawStatus() {
  const cells = map.matched.reduce((sum, each) => sum + each, 0);
  const words = filtersInWords();
  byId("status").textContent = `${digits(cells)} of ${counted(CELLS.count, "cell")} in ${digits(map.order.length)} of ${counted(TEPS.name.length, "TEP")}${words ? `: ${words}` : ""}`;
  byId("clear").disabled = !words;
}

function toggleOnly(name) {
  state.only = state.only === name ? "" : name;
  refilter();
}

function toggleVerdict(verdict) {
  if (!state.verdicts.delete(verdict)) state.verdicts.add(verdict);
  refilter();
}

// The numbers stand in the page already; here they become filters, the worst first.
function drawSummary() {
  const box = byId("summary");
  const found = [...box.querySelectorAll("[data-verdict]")].sort((one, other) => lookOf(one.dataset.verdict).rank - lookOf(other.dataset.verdict).rank);
  for (const each of found) {
    const look = lookOf(each.dataset.verdict);
    each.classList.add(`t-${look.tone}`);
    each.title = look.says;
    each.prepend(element("span", { "aria-hidden": "true" }, look.sign));
    each.addEventListener("click", () => toggleVerdict(look.name));
    each.disabled = false;
  }
  box.replaceChildren(...onlyButton("stateful", "count danger"), ...onlyButton("attention", "count"), ...found);
}

function onlyButton(name, style) {
  const number = cellsThat(name === "stateful" ? destroysStateful : needsAttention).length;
  if (!number) return [];
  return [button({ class: style, "data-only": name }, () => toggleOnly(name), element("b", {}, digits(number)), element("span", {}, ONLY[name]))];
}

function fillSelect(id, values, all) {
  const options = values.map((value) => element("option", { value }, value));
  byId(id).replaceChildren(element("option", { value: "" }, all), ...options);
  // Without a value an attribute would be left out, and the option's text be its value.
  byId(id).firstChild.value = "";
}

function drawFilters() {
  fillSelect("ring", DATA.rings.filter((ring) => TEPS.ring.includes(ring)), "all");
  fillSelect("environment", [...new Set(TEPS.environment)].sort(byName.compare), "all");
  fillSelect("project", PROJECTS.map((project) => DATA.texts[project]), "all");
  byId("sort").replaceChildren(...Object.entries(SORTS).map(([value, name]) => element("option", { value }, name)));
  // Thousands of tenants are listed when somebody asks for one.
  byId("tenant").addEventListener("focus", () => {
    byId("tenants").replaceChildren(...[...new Set(TEPS.tenant)].sort(byName.compare).map((value) => element("option", { value })));
  }, { once: true });
}

function showChoices() {
  for (const name of ["search", "ring", "environment", "tenant", "project", "sort"]) if (byId(name).value !== state[name]) byId(name).value = state[name];
  for (const name of ["reverse", "dense"]) byId(name).setAttribute("aria-pressed", state[name]);
  for (const each of byId("summary").querySelectorAll("[data-verdict]")) each.setAttribute("aria-pressed", state.verdicts.has(each.dataset.verdict));
  for (const each of byId("summary").querySelectorAll("[data-only]")) each.setAttribute("aria-pressed", state.only === each.dataset.only);
}

function drawLegend() {
  const shown = new Set(cellsThat(() => true).map(verdictOf));
  for (const verdict of [...shown].sort((one, other) => lookOf(one).rank - lookOf(other).rank)) {
    byId("legend").append(element("div", {}, element("dt", {}, badge(verdict)), element("dd", {}, lookOf(verdict).says)));
  }
  const marks = [
    [element("span", { class: "mark stateful" }, "!"), "a stateful resource is replaced or deleted"],
    [element("span", { class: "mark" }, "new"), ONLY.new],
    [sparkline(Object.keys(DATA.letters).slice(0, 3).join("")), "the last checks, oldest first; the higher the worse"],
    ["+ ~ ± −", "create, update, replace, delete"],
  ];
  byId("legend").append(...marks.map(([sign, says]) => element("div", {}, element("dt", {}, sign), element("dd", {}, says))));
}

function whenFiltered() {
  for (const name of ["search", "ring", "environment", "tenant", "project", "sort"]) {
    byId(name).addEventListener("input", () => { state[name] = byId(name).value; refilter(); });
  }
  for (const name of ["reverse", "dense"]) byId(name).addEventListener("click", () => { state[name] = !state[name]; refilter(); });
  byId("clear").addEventListener("click", () => { clearFilters(); refilter(); });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
}

function whenInMap() {
  let waiting = false;
  byId("scroll").addEventListener("scroll", () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; drawVisible(); });
  }, { passive: true });
  byId("grid-body").addEventListener("click", (event) => {
    const cell = event.target.closest(".cell");
    if (cell) chooseElement(cell);
  });
  byId("grid-body").addEventListener("keydown", whenKeyInMap);
  addEventListener("keydown", whenKeyAnywhere);
  addEventListener("resize", drawVisible);
  NARROW.addEventListener("change", drawMap);
}

function whenSkipping() {
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    if (map.active.tep >= 0) focusCell(map.active.tep, map.active.column);
  });
}

function fromAddress() {
  readAddress();
  showChoices();
  draw();
  const cell = cellNamed(state.cell);
  if (cell !== null) openPanel(cell);
  else if (!byId("panel").hidden) closePanel();
}

drawSummary();
drawAttention();
drawTrend();
drawFilters();
drawLegend();
whenFiltered();
whenInMap();
whenSkipping();
whenPrinting();
addEventListener("hashchange", fromAddress);
fromAddress();
