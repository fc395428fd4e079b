// New, gone and still since the check before: each a list, and a filter of the map.

function drawTrend() {
  for (const [name, cells] of Object.entries(DATA.trend || {})) {
    const details = byId(`trend-${name}`);
    details.addEventListener("toggle", () => {
      if (details.open && details.children.length === 1) details.append(...trendBody(name, cells));
    });
  }
}

function trendBody(name, cells) {
  if (!cells.length) return [element("p", { class: "names quiet" }, "None.")];
  const show = button({ class: "plain" }, () => {
    toggleOnly(name);
    byId("cells-title").scrollIntoView();
  }, "show in the map");
  const [holder, more] = shownInPart(element("div", { class: "names" }), cells, NAMES_SHOWN, trendName);
  return [holder, element("div", { class: "names" }, show, more)];
}

function trendName(cell) {
  const made = nameButton(cell);
  if (typeof cell === "number") made.textContent = nameOf(cell);
  return made;
}
