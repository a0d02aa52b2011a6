#include "milter/faults.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "milter/log.h"

/* Texts in order, each once; the texts are its own. */
struct texts {
	char **text;
	size_t count;
	bool whole; /* no text was cut off: what is not among them is not there */
};

struct faults {
	struct problems *parts[FAULTS_PARTS]; /* NULL: nothing is bad */
	struct texts bad, notes;	      /* as they were logged last */
};

struct faults *faults_new(void)
{
	return calloc(1, sizeof(struct faults));
}

static void texts_free(struct texts *texts)
{
	size_t i;

	for (i = 0; i < texts->count; i++)
		free(texts->text[i]);
	free(texts->text);
	*texts = (struct texts){ NULL, 0, false };
}

void faults_free(struct faults **faults)
{
	size_t i;

	if (*faults == NULL)
		return;
	for (i = 0; i < FAULTS_PARTS; i++)
		problems_free(&(*faults)->parts[i]);
	texts_free(&(*faults)->bad);
	texts_free(&(*faults)->notes);
	free(*faults);
	*faults = NULL;
}

void faults_set(struct faults *faults, size_t part, struct problems *problems)
{
	problems_free(&faults->parts[part]);
	faults->parts[part] = problems;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_once(struct texts *texts)
{
	size_t i, kept = 0;

	if (texts->count == 0)
		return;
	qsort(texts->text, texts->count, sizeof(*texts->text), compare);
	for (i = 1; i < texts->count; i++) {
		if (strcmp(texts->text[kept], texts->text[i]) == 0)
			free(texts->text[i]);
		else
			texts->text[++kept] = texts->text[i];
	}
	texts->count = kept + 1;
}

/* All texts of all parts, the bad ones or the notes. -1 when out of memory. */
static int gather(const struct faults *faults, bool bad, struct texts *texts_r)
{
	struct texts texts = { NULL, 0, true };
	const struct problems *part;
	size_t i, p, here, total = 0;
	const char *text;

	for (p = 0; p < FAULTS_PARTS; p++)
		if ((part = faults->parts[p]) != NULL)
			total += bad ? problems_kept(part) : problems_notes(part);
	if ((texts.text = calloc(total + 1, sizeof(*texts.text))) == NULL)
		return -1;
	for (p = 0; p < FAULTS_PARTS; p++) {
		if ((part = faults->parts[p]) == NULL)
			continue;
		here = bad ? problems_kept(part) : problems_notes(part);
		if (bad ? problems_count(part) > here : here == PROBLEMS_KEPT)
			texts.whole = false;
		for (i = 0; i < here; i++) {
			text = bad ? problems_text(part, i) : problems_note_text(part, i);
			if ((texts.text[texts.count] = strdup(text)) == NULL) {
				texts_free(&texts);
				return -1;
			}
			texts.count++;
		}
	}
	sort_once(&texts);
	*texts_r = texts;
	return 0;
}

/* Log the texts of one that the other does not have. */
static void log_difference(const struct texts *texts, const struct texts *other,
	enum log_level level, const char *before)
{
	size_t i, at = 0, found = 0;

	for (i = 0; i < texts->count; i++) {
		while (at < other->count && strcmp(other->text[at], texts->text[i]) < 0)
			at++;
		if (at < other->count && strcmp(other->text[at], texts->text[i]) == 0)
			continue;
		if (++found <= FAULTS_LOGGED)
			log_event(level, "%s%s", before, texts->text[i]);
	}
	if (found > FAULTS_LOGGED)
		log_event(level, "%s%zu more; posternctl status names them", before,
			found - FAULTS_LOGGED);
}

static void settle(struct faults *faults, bool bad, struct texts *known)
{
	struct texts now;

	if (gather(faults, bad, &now) < 0)
		return; /* they are said at the next occasion */
	log_difference(&now, known, bad ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "");
	if (bad && now.whole && known->whole)
		log_difference(known, &now, LOG_LEVEL_NOTICE, "mended: ");
	texts_free(known);
	*known = now;
}

void faults_settle(struct faults *faults)
{
	settle(faults, true, &faults->bad);
	settle(faults, false, &faults->notes);
}

size_t faults_count(const struct faults *faults)
{
	size_t i, count = 0;

	for (i = 0; i < FAULTS_PARTS; i++)
		if (faults->parts[i] != NULL)
			count += problems_count(faults->parts[i]);
	return count;
}

char *faults_text(const struct faults *faults)
{
	struct strbuf text = STRBUF_INIT;
	size_t i, p;

	for (p = 0; p < FAULTS_PARTS; p++) {
		for (i = 0; faults->parts[p] != NULL && i < problems_kept(faults->parts[p]); i++) {
			strbuf_add_str(&text, problems_text(faults->parts[p], i));
			strbuf_add_char(&text, '\n');
		}
	}
	return text.len > 0 ? strbuf_take(&text) : NULL;
}
