#include "milter/shared/status.h"

#include <stdlib.h>

const char *status_source_name(enum status_source source)
{
	static const char *const names[] = {
		[SOURCE_NONE] = "none",
		[SOURCE_LISTS] = "lists",
		[SOURCE_STORE] = "store",
		[SOURCE_CACHE] = "cache",
		[SOURCE_DATABASE] = "database",
	};

	return names[source];
}

const char *status_database_name(enum status_database database)
{
	static const char *const names[] = {
		[DATABASE_OFF] = "off",
		[DATABASE_CONNECTING] = "connecting",
		[DATABASE_LISTENING] = "listening",
		[DATABASE_POLLING] = "polling",
		[DATABASE_BEHIND] = "behind",
		[DATABASE_DOWN] = "down",
	};

	return names[database];
}

void status_free(struct status *status)
{
	free(status->problems);
	status->problems = NULL;
}
