#pragma once

/* Unmaps code and constants that have been touched so far. Starting up (command line, configuration, conformance tables)
 * touches ten times what serving does, and fault-around maps 16 pages for each; what is needed again comes back from the
 * page cache at a microsecond a page. */
void clinux_release_startup_pages(void);
