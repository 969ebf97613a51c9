// What has been recorded on this host: asking for anything else would be an error.

import { ask } from "./ask.js";

const lifetime = 10_000;
let known = null;
let until = 0;

/// All names. Several who ask at once ask once.
export function metrics() {
  if (!known || performance.now() > until) {
    until = performance.now() + lifetime;
    known = ask("/api/series").then((reply) => reply.metrics.map((metric) => metric.metric));
    known.catch(() => {
      known = null;
    });
  }
  return known;
}
