// Colours come from style.css, so that light and dark are said in one place. Canvases have to be told.

// An element that takes a colour turns light-dark() into the one of the two that is in force.
const probe = document.body.appendChild(document.createElement("span"));
probe.hidden = true;

export function colour(name) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

export const lines = () => ["a", "b", "c", "d", "e", "f", "g", "h"].map((letter) => colour(`line-${letter}`));
export const severity = (name) => colour(`severity-${name}`);

const listeners = new Set();

/// Called when light becomes dark or the other way round; returns what ends it.
export function onColours(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const changed = () => listeners.forEach((listener) => listener());
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", changed);

function apply(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

/// The viewer's choice; what the system says until there is one.
export function startTheme(button) {
  try {
    apply(localStorage.getItem("theme"));
  } catch {
    // Storage may be closed to this page; then the choice lasts as long as the page.
  }
  button.addEventListener("click", () => {
    const isDark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    const theme = isDark ? "light" : "dark";
    apply(theme);
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // As above.
    }
    changed();
  });
}
