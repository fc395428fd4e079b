// Lists of resources that would change, or do differ.

const urgency = (change) => (destroys(change) ? 0 : 2) + (change.stateful ? 0 : 1);

// What destroys what cannot be made again first.
function sorted(list) {
  return DATA.lists[list]
    .map((number, place) => ({ ...changeOf(number), place }))
    .sort((one, other) => urgency(one) - urgency(other) || one.place - other.place);
}

const shortType = (type) => type.replace(/^([^:]+):([^/]*\/)?([^:]*):([^:]+)$/, (whole, provider, module, file, name) => `${provider}:${module || ""}${name}`);

function operationWord(change, drift) {
  if (drift) return change.operation === "delete" ? "is gone from the cloud" : "differs in the cloud";
  return change.operation;
}

function consoleLink(cell, type, id) {
  const template = id && DATA.pages[type];
  if (!template) return "";
  const tep = CELLS.tep[cell];
  return template.replace(/\{(region|id|name)\}/g, (whole, word) =>
    encodeURIComponent({ region: TEPS.region[tep], id, name: id.split("/").pop() }[word]));
}

const valueText = (number, tep) => (number === null || number === undefined ? null : text(number, tep));

// `tags.Name` may go on in the next line after its dot.
const breakable = (path) => path.split(/(?<=\.)/).flatMap((part, place) => (place ? [element("wbr"), part] : [part]));

function propertyRow(cell, [path, kind, before, after]) {
  const tep = CELLS.tep[cell];
  const [was, is] = [valueText(before, tep), valueText(after, tep)];
  const values = element("td");
  if (was !== null) values.append(element("del", {}, was || "(empty)"));
  if (was !== null && is !== null) values.append(" → ");
  if (is !== null) values.append(element("ins", {}, is || "(empty)"));
  if (was === null && is === null) values.append(element("span", { class: "quiet" }, DATA.texts[kind]));
  return element("tr", {}, element("th", { scope: "row", class: "mono" }, ...breakable(text(path, tep))), values);
}

function inFours(numbers) {
  const fours = [];
  for (let place = 0; place < numbers.length; place += 4) fours.push(numbers.slice(place, place + 4));
  return fours;
}

// `ids` are those of the cell's own resources; a group has none.
function changeItem(cell, change, { drift = false, ids = [] } = {}) {
  const tep = CELLS.tep[cell];
  const id = ids[change.place] || "";
  const link = consoleLink(cell, change.type, id);
  const danger = change.stateful && destroys(change);
  const item = element("li", { class: `change${destroys(change) ? " destroys" : ""}${danger ? " danger" : ""}` });
  item.append(element("div", { class: "change-head" },
    element("span", { class: "operation" }, `${OPERATIONS[change.operation] || ""} ${drift ? "" : operationWord(change, drift)}`),
    element("b", {}, text(change.name, tep)),
    element("span", { class: "type quiet mono", title: change.type }, shortType(change.type)),
    drift ? element("span", { class: "operation" }, operationWord(change, drift)) : "",
    change.stateful ? statefulBadge() : "",
    change.protected ? element("span", { class: "badge", title: "its program asks never to delete it" }, "protected") : ""));
  if (id) item.append(element("div", { class: "mono" }, link ? anchor(link, id) : id));
  const properties = inFours(change.properties);
  if (properties.length) item.append(element("table", { class: "properties" }, element("tbody", {}, ...properties.map((each) => propertyRow(cell, each)))));
  return item;
}

function changeList(cell, list, options = {}) {
  return shownInPart(element("ul", { class: "changes" }), sorted(list), 40, (change) => changeItem(cell, change, options));
}

// `± replace main (aws:rds/Cluster): engineVersion 14 → 15, 2 other properties`
function inShort(change, drift, tep) {
  const [first, ...others] = inFours(change.properties);
  const subject = `${text(change.name, tep)} (${shortType(change.type)})`;
  const does = drift ? `${subject} ${operationWord(change, drift)}` : `${change.operation} ${subject}`;
  const property = first ? `: ${text(first[0], tep)} ${valuesInShort(first, tep)}` : "";
  const rest = others.length ? `, ${digits(others.length)} other ${others.length === 1 ? "property" : "properties"}` : "";
  return `${OPERATIONS[change.operation] || ""} ${does}${property}${rest}`.trim();
}

function valuesInShort([, , before, after], tep) {
  const values = [before, after].map((value) => valueText(value, tep)).filter((value) => value !== null);
  return values.map((value) => (value.length > 40 ? `${value.slice(0, 39)}…` : value)).join(" → ");
}
