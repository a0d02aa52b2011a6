/*
 * Writes revisions as text and reads them again, and compares a standby's with the one in force. It
 * keeps no state; any thread may call it.
 */
#include "milter/pg/revision.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

#define FORMAT "postgresql-1"
#define PAGE_HEADER 40 /* SizeOfXLogLongPHD */

void revision_format(const struct revision *revision, char text_r[REVISION_SIZE])
{
	text_r[0] = '\0';
	if (revision->is_known)
		(void)text_format(text_r, REVISION_SIZE, FORMAT " %s %" PRId64,
			revision->cluster[0] != '\0' ? revision->cluster : "-", revision->wal);
}

void revision_parse(const char *text, struct revision *revision_r)
{
	struct revision revision = { .is_known = true };
	const char *cluster = text + strlen(FORMAT " ");
	size_t len;
	char *end;

	*revision_r = (struct revision){ 0 };
	if (strncmp(text, FORMAT " ", strlen(FORMAT " ")) != 0)
		return;
	len = strspn(cluster, "0123456789-");
	if (len == 0 || len >= sizeof(revision.cluster) || cluster[len] != ' ' ||
		!isdigit((unsigned char)cluster[len + 1]))
		return;
	memcpy(revision.cluster, cluster, len);
	errno = 0;
	revision.wal = strtoll(cluster + len + 1, &end, 10);
	if (errno != 0 || *end != '\0')
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
