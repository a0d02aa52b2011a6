#include "milter/cache/policy_problems.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "milter/log/log.h"

/* Texts in order, each once; the texts are its own. */
struct texts {
	char **text;
	size_t count;
	bool whole; /* no text was cut off: what is not among them is not there */
};

struct policy_problems {
	struct problems *parts[POLICY_PROBLEMS_PARTS]; /* NULL: nothing is bad */
	struct texts bad, notes;		       /* as they were logged last */
};

struct policy_problems *policy_problems_new(void)
{
	return calloc(1, sizeof(struct policy_problems));
}

static void texts_free(struct texts *texts)
{
	size_t i;

	for (i = 0; i < texts->count; i++)
		free(texts->text[i]);
	free(texts->text);
	*texts = (struct texts){ NULL, 0, false };
}

void policy_problems_free(struct policy_problems **policy_problems)
{
	size_t i;

	if (*policy_problems == NULL)
		return;
	for (i = 0; i < POLICY_PROBLEMS_PARTS; i++)
		problems_free(&(*policy_problems)->parts[i]);
	texts_free(&(*policy_problems)->bad);
	texts_free(&(*policy_problems)->notes);
	free(*policy_problems);
	*policy_problems = NULL;
}

void policy_problems_set(struct policy_problems *policy_problems, size_t part,
	struct problems *problems)
{
	problems_free(&policy_problems->parts[part]);
	policy_problems->parts[part] = problems;
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
static int gather(const struct policy_problems *policy_problems, bool bad, struct texts *texts_r)
{
	struct texts texts = { NULL, 0, true };
	const struct problems *part;
	size_t i, p, here, total = 0;
	const char *text;

	for (p = 0; p < POLICY_PROBLEMS_PARTS; p++)
		if ((part = policy_problems->parts[p]) != NULL)
			total += bad ? problems_kept(part) : problems_notes(part);
	if ((texts.text = calloc(total + 1, sizeof(*texts.text))) == NULL)
		return -1;
	for (p = 0; p < POLICY_PROBLEMS_PARTS; p++) {
		if ((part = policy_problems->parts[p]) == NULL)
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
		if (++found <= POLICY_PROBLEMS_LOGGED)
			log_event(level, "%s%s", before, texts->text[i]);
	}
	if (found > POLICY_PROBLEMS_LOGGED)
		log_event(level, "%s%zu more; posternctl status names them", before,
			found - POLICY_PROBLEMS_LOGGED);
}

static void settle(struct policy_problems *policy_problems, bool bad, struct texts *known)
{
	struct texts now;

	if (gather(policy_problems, bad, &now) < 0)
		return; /* they are said at the next occasion */
	log_difference(&now, known, bad ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, "");
	if (bad && now.whole && known->whole)
		log_difference(known, &now, LOG_LEVEL_NOTICE, "mended: ");
	texts_free(known);
	*known = now;
}

void policy_problems_settle(struct policy_problems *policy_problems)
{
	settle(policy_problems, true, &policy_problems->bad);
	settle(policy_problems, false, &policy_problems->notes);
}

size_t policy_problems_count(const struct policy_problems *policy_problems)
{
	size_t i, count = 0;

	for (i = 0; i < POLICY_PROBLEMS_PARTS; i++)
		if (policy_problems->parts[i] != NULL)
			count += problems_count(policy_problems->parts[i]);
	return count;
}

char *policy_problems_text(const struct policy_problems *policy_problems)
{
	struct strbuf text = STRBUF_INIT;
	size_t i, p;

	for (p = 0; p < POLICY_PROBLEMS_PARTS; p++) {
		for (i = 0; policy_problems->parts[p] != NULL &&
			i < problems_kept(policy_problems->parts[p]);
			i++) {
			strbuf_add_str(&text, problems_text(policy_problems->parts[p], i));
			strbuf_add_char(&text, '\n');
		}
	}
	return text.len > 0 ? strbuf_take(&text) : NULL;
}
