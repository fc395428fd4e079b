// How verdicts, counts and times look. A sign and a word stand beside every colour.

const LOOKS = new Map(DATA.verdicts.map(([name, sign, tone, says], rank) => [name, { name, sign, tone, says, rank }]));
const lookOf = (name) => LOOKS.get(name) || { name, sign: "?", tone: "none", says: "", rank: LOOKS.size / 2 };
const OPERATIONS = { create: "+", update: "~", replace: "±", delete: "−" };

function badge(name, prefix = "") {
  const look = lookOf(name);
  return element("span", { class: `badge t-${look.tone}`, title: look.says }, element("span", { "aria-hidden": "true" }, look.sign), `${prefix}${name}`);
}

const statefulBadge = () =>
  element("span", { class: "badge stateful", title: "holds what cannot be made again: data, keys, names that others know" }, "stateful");

function countsText(cell) {
  return DATA.counts[CELLS.counts[cell]].map((count, place) => (count ? Object.values(OPERATIONS)[place] + count : "")).filter(Boolean).join(" ");
}

function countsWords(cell) {
  // No tense: they were made by the last update, or would be by the next.
  return DATA.counts[CELLS.counts[cell]].map((count, place) => (count ? `${Object.keys(OPERATIONS)[place]} ${count}` : "")).filter(Boolean).join(", ");
}

function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

const moment = (seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC`;

const verdictsIn = (history) => [...history].map((letter) => DATA.letters[letter] || "not checked");

// `in-sync ×12, drifted ×2`
function historyWords(history) {
  const runs = [];
  for (const verdict of verdictsIn(history)) {
    if (runs.length && runs[runs.length - 1][0] === verdict) runs[runs.length - 1][1]++;
    else runs.push([verdict, 1]);
  }
  return runs.map(([verdict, times]) => (times > 1 ? `${verdict} ×${times}` : verdict)).join(", ");
}

// One bar for each run of the same letter, so that 14 checks of a quiet cell are one element.
function sparkline(history) {
  const line = element("span", { class: "history", title: `last ${history.length} checks, oldest first: ${historyWords(history)}` });
  for (const run of history.match(/(.)\1*/g) || []) {
    const verdict = DATA.letters[run[0]];
    const bar = element("i", { class: `t-${verdict ? lookOf(verdict).tone : "none"}` });
    bar.style.flexGrow = String(run.length);
    line.append(bar);
  }
  return line;
}
