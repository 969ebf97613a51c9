#include "CSQLite.h"

#include <sqlite3.h>

void csqlite_stop_memory_statistics(void)
{
	// A variadic function, which Swift cannot call.
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}
