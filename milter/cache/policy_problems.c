/*
 * Keeps the problems of each part of the policy and logs how they change. It owns copies of the
 * texts that were logged; the cache thread uses it.
 */
#include "milter/cache/policy_problems.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "milter/log/log.h"
#include "milter/log/log_bound.h"
#include "milter/loop/clock.h"

/* Sorted texts without duplicates. */
struct texts {
	char **text;
	size_t count;
	bool is_complete; /* false: there are more problems than texts */
};

struct policy_problems {
	struct problems *parts[POLICY_PROBLEMS_PARTS]; /* NULL: none */
	struct texts logged[PROBLEM_LEVELS];	       /* by the last call of log_changes() */
	struct log_bound bound;			       /* of all lines about changes */
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
	for (i = 0; i < PROBLEM_LEVELS; i++)
		texts_free(&(*policy_problems)->logged[i]);
	free(*policy_problems);
	*policy_problems = NULL;
}

void policy_problems_set(struct policy_problems *policy_problems, size_t part,
	struct problems *problems)
{
	problems_free(&policy_problems->parts[part]);
	policy_problems->parts[part] = problems;
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_and_deduplicate(struct texts *texts)
{
	size_t i, kept = 0;

	if (texts->count == 0)
		return;
	qsort(texts->text, texts->count, sizeof(*texts->text), compare_texts);
	for (i = 1; i < texts->count; i++) {
		if (strcmp(texts->text[kept], texts->text[i]) == 0)
			free(texts->text[i]);
		else
			texts->text[++kept] = texts->text[i];
	}
	texts->count = kept + 1;
}

/* Collect the texts of a level from all parts. Returns -1 when out of memory. */
static int collect_texts(const struct policy_problems *policy_problems, enum problem_level level,
	struct texts *texts_r)
{
	struct texts texts = { NULL, 0, true };
	const struct problems *part;
	size_t i, p, count, total = 0;
	const char *text;

	for (p = 0; p < POLICY_PROBLEMS_PARTS; p++)
		if ((part = policy_problems->parts[p]) != NULL)
			total += problems_level_kept(part, level);
	if ((texts.text = calloc(total + 1, sizeof(*texts.text))) == NULL)
		return -1;
	for (p = 0; p < POLICY_PROBLEMS_PARTS; p++) {
		if ((part = policy_problems->parts[p]) == NULL)
			continue;
		count = problems_level_kept(part, level);
		if (!problems_level_is_complete(part, level))
			texts.is_complete = false;
		for (i = 0; i < count; i++) {
			text = problems_level_text(part, level, i);
			if ((texts.text[texts.count] = strdup(text)) == NULL) {
				texts_free(&texts);
				return -1;
			}
			texts.count++;
		}
	}
	sort_and_deduplicate(&texts);
	*texts_r = texts;
	return 0;
}

/* Log the texts that are not among the others, if the bound admits it. */
static void log_difference(struct log_bound *bound, const struct texts *texts,
	const struct texts *other, enum log_level level, const char *prefix)
{
	size_t i, at = 0, found = 0;

	for (i = 0; i < texts->count; i++) {
		while (at < other->count && strcmp(other->text[at], texts->text[i]) < 0)
			at++;
		if (at < other->count && strcmp(other->text[at], texts->text[i]) == 0)
			continue;
		if (++found <= POLICY_PROBLEMS_LOGGED && log_bound_admit(bound, clock_ms()))
			log_event(level, "%s%s", prefix, texts->text[i]);
	}
	if (found > POLICY_PROBLEMS_LOGGED && log_bound_admit(bound, clock_ms()))
		log_event(level, "%s%zu more; posternctl status lists them", prefix,
			found - POLICY_PROBLEMS_LOGGED);
}

/* Log the changes of a level since the last call. When out of memory, the next call does it. */
static void log_changes(struct policy_problems *policy_problems, enum problem_level level)
{
	struct texts *logged = &policy_problems->logged[level];
	bool are_notes = level == PROBLEM_NOTE;
	struct texts now;

	if (collect_texts(policy_problems, level, &now) < 0)
		return;
	log_difference(&policy_problems->bound, &now, logged,
		are_notes ? LOG_LEVEL_NOTICE : LOG_LEVEL_WARNING, "");
	if (!are_notes && now.is_complete && logged->is_complete)
		log_difference(&policy_problems->bound, logged, &now, LOG_LEVEL_NOTICE,
			"resolved: ");
	texts_free(logged);
	*logged = now;
}

void policy_problems_log_changes(struct policy_problems *policy_problems)
{
	log_changes(policy_problems, PROBLEM);
	log_changes(policy_problems, PROBLEM_NOTE);
}

void policy_problems_report_unlogged(struct policy_problems *policy_problems, int64_t now)
{
	const uint64_t count = log_bound_report(&policy_problems->bound, now);

	if (count > 0)
		log_event(LOG_LEVEL_WARNING,
			"policy lines-suppressed=%" PRIu64 " reason=too-many hint=\"these problems "
			"appeared or were resolved; posternctl status lists the present ones\"",
			count);
}

size_t policy_problems_count(const struct policy_problems *policy_problems,
	enum problem_level level)
{
	size_t i, count = 0;

	for (i = 0; i < POLICY_PROBLEMS_PARTS; i++)
		if (policy_problems->parts[i] != NULL)
			count += problems_level_count(policy_problems->parts[i], level);
	return count;
}

/* Add a text as one line, whatever is in the names that it contains. */
static void add_line(struct strbuf *lines, const char *text)
{
	size_t len;

	for (; text[len = strcspn(text, "\n")] != '\0'; text += len + 1) {
		strbuf_add(lines, text, len);
		strbuf_add_str(lines, "\\x0a");
	}
	strbuf_add_str(lines, text);
	strbuf_add_char(lines, '\n');
}

char *policy_problems_text(const struct policy_problems *policy_problems, enum problem_level level)
{
	struct strbuf text = STRBUF_INIT;
	const struct problems *part;
	size_t i, p;

	for (p = 0; p < POLICY_PROBLEMS_PARTS; p++) {
		if ((part = policy_problems->parts[p]) == NULL)
			continue;
		for (i = 0; i < problems_level_kept(part, level); i++)
			add_line(&text, problems_level_text(part, level, i));
	}
	return text.len > 0 ? strbuf_take(&text) : NULL;
}
