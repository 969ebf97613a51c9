// Elements. Whatever comes from the host is set as text, never as markup: anybody may choose the name of a process.

/// h("a", { href: "#", class: "x", onclick: f }, "text", element, [more], null)
export function h(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value == null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  return made;
}

export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/// Text that is only touched when it changes, so that screen readers are not told the same again.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/// Brings the children of `parent` into line with `items`: one element each, made anew only where its item has changed, so
/// that focus, selection and open details survive a refresh.
export function keyed(parent, items, key, make) {
  const old = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  const focused = document.activeElement?.closest?.("[data-focus]")?.dataset.focus;
  let place = parent.firstElementChild;
  const seen = new Map();
  // What is made of a time is another text the day after.
  const day = new Date().toDateString();
  for (const item of items) {
    const base = String(key(item));
    const repeats = seen.get(base) ?? 0;
    seen.set(base, repeats + 1);
    const name = repeats ? `${base}#${repeats}` : base;
    const state = day + JSON.stringify(item);
    let child = old.get(name);
    old.delete(name);
    if (child?.itemState !== state) {
      const made = make(item);
      made.dataset.key = name;
      made.itemState = state;
      if (child) {
        if (place === child) place = made;
        child.replaceWith(made);
      }
      child = made;
    }
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
  }
  for (const child of old.values()) child.remove();
  if (focused && !document.activeElement?.closest?.("[data-focus]")) {
    parent.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  }
}

/// A table that scrolls by itself where the screen is narrow. `columns`: { title, number, cell(item) }.
export function table(caption, columns, attributes = {}) {
  const body = h("tbody");
  const head = h("tr", {}, columns.map((column) =>
    h("th", { scope: "col", class: column.number ? "number" : null, "aria-sort": column.sort }, column.head ?? column.title)));
  const element = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", attributes, h("caption", { class: "unseen" }, caption), h("thead", {}, head), body));
  return {
    element,
    fill(items, key) {
      keyed(body, items, key, (item) => h("tr", {}, columns.map((column, index) =>
        h(index === 0 ? "th" : "td", {
          scope: index === 0 ? "row" : null, class: column.number ? "number" : null, "data-title": column.title,
        }, column.cell(item)))));
    },
  };
}

export function badge(word) {
  return h("span", { class: `badge ${word}` }, word);
}

/// How much of a whole, for eyes; the text beside it says the same.
export function bar(share, className = "") {
  const width = Math.max(0, Math.min(1, share)) * 100;
  return svg("svg", { class: `bar ${className}`, viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "whole", width: 100, height: 6 }), svg("rect", { class: "part", width, height: 6 }));
}
