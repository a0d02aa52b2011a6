/*
 * Writes revisions as text and reads them again, and compares a server's with the one in force. It
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
	char timeline[16] = "";

	text_r[0] = '\0';
	if (!revision->is_known)
		return;
	if (revision->timeline > 0)
		(void)text_format(timeline, sizeof(timeline), " %" PRIu32 "%s", revision->timeline,
			revision->is_least ? "+" : "");
	(void)text_format(text_r, REVISION_SIZE, FORMAT " %s %" PRId64 "%s",
		revision->cluster[0] != '\0' ? revision->cluster : "-", revision->wal, timeline);
}

/* Parse a number of at most `most` at *at, and move *at behind it. Returns 0, or -1. */
static int parse_number(const char **at, int64_t most, int64_t *number_r)
{
	long long number;
	char *end;

	if (!isdigit((unsigned char)**at))
		return -1;
	errno = 0;
	number = strtoll(*at, &end, 10);
	if (errno != 0 || number > most)
		return -1;
	*at = end;
	*number_r = number;
	return 0;
}

/* Parse " TIMELINE" or " TIMELINE+", up to the end of the text, which may lack it. */
static int parse_timeline(const char *at, struct revision *revision)
{
	int64_t timeline;

	if (*at == '\0')
		return 0;
	if (*at++ != ' ' || parse_number(&at, UINT32_MAX, &timeline) < 0 || timeline == 0)
		return -1;
	revision->timeline = (uint32_t)timeline;
	revision->is_least = *at == '+';
	return at[revision->is_least] == '\0' ? 0 : -1;
}

void revision_parse(const char *text, struct revision *revision_r)
{
	struct revision revision = { .is_known = true, .is_least = true };
	const char *at = text + strlen(FORMAT " ");
	size_t len;

	*revision_r = (struct revision){ 0 };
	if (strncmp(text, FORMAT " ", strlen(FORMAT " ")) != 0)
		return;
	len = strspn(at, "0123456789-");
	if (len == 0 || len >= sizeof(revision.cluster) || at[len] != ' ')
		return;
	memcpy(revision.cluster, at, len);
	at += len + 1;
	if (parse_number(&at, INT64_MAX, &revision.wal) < 0 || parse_timeline(at, &revision) < 0)
		return;
	if (strcmp(revision.cluster, "-") == 0)
		revision.cluster[0] = '\0';
	*revision_r = revision;
}

static bool same_timeline(const struct revision *a, const struct revision *b)
{
	return !a->is_least && !b->is_least && a->timeline == b->timeline;
}

enum revision_age revision_compare(const struct revision *here, const struct revision *in_force)
{
	if (!here->is_known || !in_force->is_known || strcmp(here->cluster, in_force->cluster) != 0)
		return REVISION_CURRENT;
	if (!in_force->is_least && here->timeline > in_force->timeline)
		return REVISION_CURRENT;
	if (!here->is_least && here->timeline < in_force->timeline)
		return REVISION_OLD_TIMELINE;
	/* A primary's position may lie behind a page header that no replay position counts. */
	if (here->wal >= in_force->wal - PAGE_HEADER)
		return REVISION_CURRENT;
	if (here->in_recovery)
		return REVISION_LAGGING;
	return same_timeline(here, in_force) ? REVISION_SET_BACK : REVISION_CURRENT;
}

bool revision_is_better(const struct revision *a, const struct revision *b)
{
	if (a->timeline != b->timeline)
		return a->timeline > b->timeline;
	if (a->in_recovery != b->in_recovery)
		return b->in_recovery;
	return a->wal > b->wal;
}

void revision_keep_timeline(struct revision *here, const struct revision *in_force)
{
	if (here->is_least && here->is_known && in_force->is_known &&
		strcmp(here->cluster, in_force->cluster) == 0 &&
		here->timeline < in_force->timeline)
		here->timeline = in_force->timeline;
}
