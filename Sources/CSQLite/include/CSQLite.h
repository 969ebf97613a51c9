#pragma once

/// Stops counting what SQLite allocates: each allocation would take one lock of the whole process for that, and threads that read at
/// the same time would wait for each other. Works only before SQLite is used; else nothing changes, and it is no error.
void csqlite_stop_memory_statistics(void);
