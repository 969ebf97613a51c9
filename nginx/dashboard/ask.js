// Asks the API. Addresses are the same for all viewers, so that nginx answers them from its cache: one viewer costs the
// workers what hundreds do.

const patience = 5000;
/// Milliseconds that the server's clock is ahead of this one, as far as its Date header tells.
let ahead = 0;

export async function ask(path, { method = "GET", body, token } = {}) {
  const headers = {};
  if (body) headers["Content-Type"] = "application/json";
  if (token) headers.Authorization = `Bearer ${token}`;
  // Beside this page, wherever a front server has put it.
  const reply = await fetch(path.slice(1), {
    method, headers, body: body && JSON.stringify(body),
    // nginx is the cache; what this browser kept would be of no use, as windows move on.
    cache: "no-store",
    // An approval makes its changes before it answers.
    signal: AbortSignal.timeout(method === "GET" ? patience : 3 * patience),
  });
  const date = Date.parse(reply.headers.get("Date") ?? "");
  // The header has whole seconds: less than two are no difference.
  if (date) ahead = Math.abs(date - Date.now()) < 2000 ? 0 : date - Date.now();
  const text = await reply.text();
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${path} answered ${reply.status} with something that is no JSON`);
  }
  if (!reply.ok) throw new Error(value.detail ?? `${path} answered ${reply.status}`);
  return value;
}

/// The time on the host, in milliseconds.
export const now = () => Date.now() + ahead;

/// Asks again and again while the page is seen: `milliseconds` after each answer. `path` may be a function, also one that promises;
/// where it says null nothing is asked and null is the answer. Returns what ends it.
export function poll(path, milliseconds, onData, onError = () => {}) {
  let timer;
  let ended = false;
  async function turn() {
    clearTimeout(timer);
    if (document.hidden || ended) return;
    try {
      const address = typeof path === "function" ? await path() : path;
      const data = address == null ? null : await ask(address);
      if (!ended) onData(data);
    } catch (error) {
      if (!ended) onError(error);
    } finally {
      clearTimeout(timer);
      if (!ended) timer = setTimeout(turn, milliseconds);
    }
  }
  document.addEventListener("visibilitychange", turn);
  turn();
  return () => {
    ended = true;
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", turn);
  };
}
