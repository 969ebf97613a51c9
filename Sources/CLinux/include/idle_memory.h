#pragma once

/* Gives back what is in memory without being in use: heap that was freed, and code and constants that were needed once.
 * Starting up (command line, configuration, conformance tables) touches ten times the code that serving does, and
 * fault-around maps 16 pages for each that is touched; what is needed again comes back from the page cache at a
 * microsecond a page. */
void clinux_release_idle_memory(void);
