#include "milter/revision.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT "postgresql-1"
#define PAGE_HEADER 40 /* SizeOfXLogLongPHD */

void revision_format(const struct revision *revision, char text_r[REVISION_SIZE])
{
	text_r[0] = '\0';
	if (revision->is_known)
		(void)snprintf(text_r, REVISION_SIZE, FORMAT " %s %" PRId64,
			revision->cluster[0] != '\0' ? revision->cluster : "-", revision->wal);
}

void revision_parse(const char *text, struct revision *revision_r)
{
	struct revision revision = { .is_known = true };
	int len = -1;

	*revision_r = (struct revision){ 0 };
	if (sscanf(text, FORMAT " %23[0-9-] %19" SCNd64 "%n", revision.cluster, &revision.wal,
		    &len) != 2 ||
		len < 0 || text[len] != '\0' || revision.wal < 0)
		return;
	if (strcmp(revision.cluster, "-") == 0)
		revision.cluster[0] = '\0';
	*revision_r = revision;
}

bool revision_is_behind(const struct revision *here, const struct revision *in_force)
{
	return here->is_known && in_force->is_known && here->in_recovery &&
		strcmp(here->cluster, in_force->cluster) == 0 &&
		here->wal < in_force->wal - PAGE_HEADER;
}
