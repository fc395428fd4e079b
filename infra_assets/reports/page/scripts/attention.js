// The box above the map: what a person has to look at, the most urgent first.

const GROUPS_SHOWN = 10;
const NAMES_SHOWN = 60;

function drawAttention() {
  const groups = attentionGroups(cellsThat(needsAttention));
  const box = byId("attention");
  if (!groups.length) {
    box.append(element("p", { class: "all-clean" }, CELLS.count ? "✓ All cells are clean." : "No cell was looked at."));
    return;
  }
  const cells = groups.reduce((sum, group) => sum + group.length, 0);
  box.querySelector("h2").append(element("span", { class: "quiet" }, ` · ${counted(cells, "cell")}, ${counted(groups.length, "different finding")}`));
  box.append(...shownInPart(element("ol", { class: "groups" }), groups, GROUPS_SHOWN, groupItem));
}

function groupItem(cells) {
  const first = cells[0];
  const details = element("details", {}, element("summary", {},
    badge(verdictOf(first)),
    destroysStateful(first) ? statefulBadge() : "",
    element("span", { class: "where" }, cells.length === 1 ? nameOf(first) : raw("project", first)),
    element("span", { class: "what" }, groupHeadline(cells)),
    element("span", { class: "many" }, counted(cells.length, "TEP"))));
  details.addEventListener("toggle", () => {
    if (details.open && details.children.length === 1) details.append(groupBody(cells));
  });
  return element("li", { class: `group t-${destroysStateful(first) ? "bad" : lookOf(verdictOf(first)).tone}` }, details);
}

function groupBody(cells) {
  const first = cells[0];
  const body = element("div", { class: "group-body" });
  if (cells.length > 1) body.append(element("p", { class: "quiet" }, `The same in ${counted(cells.length, "TEP")}; shown as in ${TEPS.name[CELLS.tep[first]]}.`));
  body.append(...findings(first));
  body.append(...shownInPart(element("div", { class: "names" }), cells, NAMES_SHOWN, nameButton));
  return body;
}

// What a cell's panel and its group say alike.
function findings(cell, ids = [[], []]) {
  const parts = [];
  const message = said("message", cell);
  if (message) parts.push(element("p", { class: `message${lookOf(verdictOf(cell)).tone === "bad" ? "" : " calm"}` }, message));
  if (CELLS.resources[cell]) parts.push(element("h3", {}, "What an update would do"), ...changeList(cell, CELLS.resources[cell], { ids: ids[0] }));
  if (CELLS.drift[cell]) parts.push(element("h3", {}, "How the cloud differs from what was left"), ...changeList(cell, CELLS.drift[cell], { drift: true, ids: ids[1] }));
  return parts;
}

function nameButton(cell) {
  if (typeof cell === "string") return element("span", { class: "name", title: "not in this report" }, cell);
  return button({ class: "name" }, () => openPanel(cell), TEPS.name[CELLS.tep[cell]]);
}
