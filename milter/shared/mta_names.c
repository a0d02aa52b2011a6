/*
 * Remembers the host names of the MTAs. Owns the texts, which stay until the object is freed.
 * Called from any thread.
 */
#include "milter/shared/mta_names.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct mta_names {
	_Atomic(char *) at[MTA_NAMES_MAX]; /* NULL: this one and those behind it are unused */
};

struct mta_names *mta_names_new(void)
{
	return calloc(1, sizeof(struct mta_names));
}

void mta_names_free(struct mta_names **names)
{
	if (*names == NULL)
		return;
	for (size_t i = 0; i < MTA_NAMES_MAX; i++)
		free(atomic_load(&(*names)->at[i]));
	free(*names);
	*names = NULL;
}

void mta_names_add(struct mta_names *names, const char *name)
{
	char *copy = NULL, *there;

	for (size_t i = 0; i < MTA_NAMES_MAX; i++) {
		there = atomic_load(&names->at[i]);
		if (there == NULL) {
			if (copy == NULL && (copy = strdup(name)) == NULL)
				return;
			if (atomic_compare_exchange_strong(&names->at[i], &there, copy))
				return;
		}
		if (strcmp(there, name) == 0)
			break;
	}
	free(copy);
}

size_t mta_names_get(struct mta_names *names, const char *names_r[MTA_NAMES_MAX])
{
	size_t count = 0;

	while (count < MTA_NAMES_MAX && (names_r[count] = atomic_load(&names->at[count])) != NULL)
		count++;
	return count;
}
