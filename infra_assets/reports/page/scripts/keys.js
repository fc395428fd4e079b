// Moving through the map with the keyboard. One cell can be tabbed to; arrows go on from there.

const STEPS = {
  ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1],
  PageUp: [-10, 0], PageDown: [10, 0], Home: [0, -Infinity], End: [0, Infinity],
};

const between = (value, most) => Math.max(0, Math.min(most, value));

function cellElement(tep, column) {
  return byId("grid-body").querySelector(`[data-tep="${tep}"][data-column="${column}"]`);
}

function bringIntoView(place) {
  const box = byId("scroll");
  const head = byId("grid-head").offsetHeight;
  const top = place * map.height;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + map.height > box.scrollTop + box.clientHeight - head) box.scrollTop = top + map.height - box.clientHeight + head;
  drawVisible();
}

function focusCell(tep, column) {
  const before = cellElement(map.active.tep, map.active.column);
  if (before) before.tabIndex = -1;
  map.active = { tep, column };
  bringIntoView(map.place.get(tep));
  const now = cellElement(tep, column);
  now.tabIndex = 0;
  now.focus({ preventScroll: false });
}

function step(key, toTheEnds) {
  const [down, right] = STEPS[key];
  const rows = toTheEnds && right ? right : down;
  const place = between(map.place.get(map.active.tep) + rows, map.order.length - 1);
  const column = between(map.columns.indexOf(map.active.column) + right, map.columns.length - 1);
  focusCell(map.order[place], map.columns[column]);
}

function whenKeyInMap(event) {
  if (event.altKey || event.metaKey) return;
  const cell = event.target.closest(".cell");
  if (!cell) return;
  if (STEPS[event.key]) step(event.key, event.ctrlKey);
  else if (event.key === "Enter" || event.key === " ") chooseElement(cell);
  else return;
  event.preventDefault();
}

function chooseElement(element_) {
  const [tep, column] = [Number(element_.dataset.tep), Number(element_.dataset.column)];
  const cell = cellAt[tep * PROJECTS.length + column];
  focusCell(tep, column);
  if (cell >= 0) openPanel(cell);
}

function whenKeyAnywhere(event) {
  if (event.key === "Escape" && !byId("panel").hidden) closePanel();
  const typing = event.target.closest("input, select, textarea");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    byId("search").focus();
  }
}
