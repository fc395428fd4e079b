// Cells that need attention, those alike together: the same project, verdict, change and error.

function groupKey(cell) {
  return [
    CELLS.project[cell], verdictOf(cell), destroysStateful(cell), DATA.kin[CELLS.resources[cell]], DATA.kin[CELLS.drift[cell]],
    DATA.messageKin[CELLS.message[cell]],
  ].join(" ");
}

function attentionGroups(cells) {
  const groups = new Map();
  for (const cell of cells) {
    const key = groupKey(cell);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(cell);
  }
  return [...groups.values()].sort((one, other) => severity[one[0]] - severity[other[0]] || other.length - one.length || one[0] - other[0]);
}

function cellsThat(test) {
  const found = [];
  for (let cell = 0; cell < CELLS.count; cell++) if (test(cell)) found.push(cell);
  return found;
}

// One line that says what it is about; `tep` is `ANY` where it stands for many.
function headline(cell, tep = CELLS.tep[cell]) {
  const message = text(CELLS.message[cell], tep).split("\n")[0];
  const found = [...sorted(CELLS.resources[cell]).map((change) => [change, false]), ...sorted(CELLS.drift[cell]).map((change) => [change, true])];
  found.sort(([one], [other]) => urgency(one) - urgency(other));
  const look = lookOf(verdictOf(cell));
  if (!found.length || (look.tone === "bad" && message)) return message || text(CELLS.cause[cell], tep) || look.says;
  const [change, drift] = found[0];
  // What has drifted and what would bring it back are the same resource.
  const others = new Set(found.map(([each]) => `${each.type} ${each.name}`)).size - 1;
  return inShort(change, drift, tep) + (others ? `; ${counted(others, "other resource")}` : "");
}

const groupHeadline = (cells) => headline(cells[0], cells.length > 1 ? ANY : CELLS.tep[cells[0]]);
