// What is printed instead of the map: every finding, and a plain table of all cells that are not clean and that the filters let through.

const PAPER_NAMES = 40;

function drawPaper() {
  const paper = byId("paper");
  if (paper.childElementCount) return;
  const cells = cellsThat((cell) => needsAttention(cell) && map.matched[cell]).sort((one, other) => severity[one] - severity[other] || one - other);
  const words = filtersInWords();
  const left = cellsThat(needsAttention).length - cells.length;
  if (words) paper.append(element("p", {}, `Only: ${words}. ${counted(left, "cell")} that need attention are not on this paper.`));
  paper.append(element("h2", {}, "Needs attention"), element("ol", {}, ...attentionGroups(cells).map(paperGroup)));
  paper.append(element("h2", {}, "Cells that are not clean"), paperTable(cells));
}

function paperGroup(cells) {
  const names = cells.slice(0, PAPER_NAMES).map((cell) => TEPS.name[CELLS.tep[cell]]).join(", ");
  const rest = cells.length > PAPER_NAMES ? ` and ${digits(cells.length - PAPER_NAMES)} more, in the table` : "";
  return element("li", {}, badge(verdictOf(cells[0])), " ", destroysStateful(cells[0]) ? statefulBadge() : "",
    element("b", {}, ` ${raw("project", cells[0])} `), groupHeadline(cells), element("div", { class: "quiet" }, `${counted(cells.length, "TEP")}: ${names}${rest}`));
}

function paperTable(cells) {
  const head = element("tr", {}, ...["Project", "TEP", "Ring", "Verdict", "Changes", "Duration", "What"].map((name) => element("th", { scope: "col" }, name)));
  return element("table", {}, element("thead", {}, head), element("tbody", {}, ...cells.map(paperRow)));
}

function paperRow(cell) {
  const look = lookOf(verdictOf(cell));
  const values = [raw("project", cell), TEPS.name[CELLS.tep[cell]], TEPS.ring[CELLS.tep[cell]], `${look.sign} ${look.name}${raw("state", cell) === "never" && look.name !== "never" ? ", never deployed" : ""}`,
    countsText(cell), duration(CELLS.duration[cell]), headline(cell)];
  return element("tr", {}, ...values.map((value) => element("td", {}, value)));
}

function whenPrinting() {
  addEventListener("beforeprint", drawPaper);
  addEventListener("afterprint", clearPaper);
  const print = matchMedia("print");
  print.addEventListener("change", () => (print.matches ? drawPaper() : clearPaper()));
}

function clearPaper() {
  byId("paper").replaceChildren();
}
