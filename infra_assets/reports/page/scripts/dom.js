"use strict";

// Everything that people and programs said becomes a text node or an attribute here; nothing is ever parsed as HTML.

const byId = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined && value !== "") made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

function button(attributes, action, ...children) {
  const made = element("button", { type: "button", ...attributes }, ...children);
  made.addEventListener("click", action);
  return made;
}

function anchor(href, ...children) {
  return element("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

// `toLocaleString` would load a language's data before anything is shown.
const digits = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, ",");
const counted = (number, word) => `${digits(number)} ${word}${number === 1 ? "" : "s"}`;

// `parts` are shown at once up to `most`; the others by a button that says how many they are.
function shownInPart(holder, parts, most, make) {
  let shown = 0;
  const more = button({ class: "plain more" }, () => add(shown + most * 10));
  function add(until) {
    holder.append(...parts.slice(shown, until).map(make));
    shown = Math.min(parts.length, until);
    const left = parts.length - shown;
    more.textContent = left > most * 10 ? `show ${digits(most * 10)} of ${digits(left)} more` : `show ${digits(left)} more`;
    more.hidden = shown === parts.length;
  }
  add(most);
  return [holder, more];
}
