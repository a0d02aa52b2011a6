/*
 * A list of texts about problems in a source. Each list has one owner and is used by one thread at
 * a time.
 */
#include "lib/base/problems.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

#define TEXT_SIZE 1024

struct texts {
	size_t count, kept;
	size_t left;	 /* of the source: how many more texts may be kept */
	size_t withheld; /* of the source: how many were only counted */
	bool is_complete;
	char *text[PROBLEMS_KEPT];
	size_t weight[PROBLEMS_KEPT];
};

struct problems {
	struct texts levels[PROBLEM_LEVELS];
};

/* Set how many texts the next source may have. */
static void begin_source(struct problems *problems, size_t left)
{
	for (int level = 0; level < PROBLEM_LEVELS; level++) {
		problems->levels[level].left = left;
		problems->levels[level].withheld = 0;
	}
}

struct problems *problems_new(void)
{
	struct problems *problems = calloc(1, sizeof(*problems));

	if (problems == NULL)
		return NULL;
	for (int level = 0; level < PROBLEM_LEVELS; level++)
		problems->levels[level].is_complete = true;
	begin_source(problems, PROBLEMS_KEPT);
	return problems;
}

static void free_texts(struct texts *texts)
{
	size_t i;

	for (i = 0; i < texts->kept; i++)
		free(texts->text[i]);
}

void problems_free(struct problems **problems)
{
	if (*problems == NULL)
		return;
	for (int level = 0; level < PROBLEM_LEVELS; level++)
		free_texts(&(*problems)->levels[level]);
	free(*problems);
	*problems = NULL;
}

static void keep_text(struct texts *texts, const char *text, size_t weight)
{
	if (texts->kept < PROBLEMS_KEPT && (texts->text[texts->kept] = strdup(text)) != NULL)
		texts->weight[texts->kept++] = weight;
	else
		texts->is_complete = false;
}

static void add_text(struct texts *texts, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void add_text(struct texts *texts, const char *format, va_list args)
{
	char text[TEXT_SIZE];

	texts->count++;
	if (texts->left == 0) {
		texts->withheld++;
		texts->is_complete = false;
		return;
	}
	texts->left--;
	(void)text_vformat(text, sizeof(text), format, args);
	keep_text(texts, text, 1);
}

void problems_add(struct problems *problems, const char *format, ...)
{
	va_list args;

	if (problems == NULL)
		return;
	va_start(args, format);
	add_text(&problems->levels[PROBLEM], format, args);
	va_end(args);
}

void problems_note(struct problems *problems, const char *format, ...)
{
	va_list args;

	if (problems == NULL)
		return;
	va_start(args, format);
	add_text(&problems->levels[PROBLEM_NOTE], format, args);
	va_end(args);
}

bool problems_keep_next(const struct problems *problems, enum problem_level level)
{
	return problems != NULL && problems->levels[level].left > 0 &&
		problems->levels[level].kept < PROBLEMS_KEPT;
}

void problems_add_weighted(struct problems *problems, enum problem_level level, size_t weight,
	const char *text)
{
	if (problems == NULL)
		return;
	problems->levels[level].count += weight;
	keep_text(&problems->levels[level], text, weight);
}

void problems_begin(struct problems *problems)
{
	if (problems != NULL)
		begin_source(problems, PROBLEMS_OF_SOURCE);
}

void problems_end(struct problems *problems, const char *source, const char *what)
{
	char text[TEXT_SIZE];
	size_t more;

	if (problems == NULL)
		return;
	for (int level = 0; level < PROBLEM_LEVELS; level++) {
		if ((more = problems->levels[level].withheld) == 0)
			continue;
		(void)text_format(text, sizeof(text), "%s: %zu more %s%s %s %s", source, more, what,
			more == 1 ? "" : "s", more == 1 ? "has" : "have",
			level == PROBLEM_NOTE ? "notes" : "problems");
		keep_text(&problems->levels[level], text, more);
	}
	begin_source(problems, PROBLEMS_KEPT);
}

size_t problems_level_count(const struct problems *problems, enum problem_level level)
{
	return problems->levels[level].count;
}

size_t problems_level_kept(const struct problems *problems, enum problem_level level)
{
	return problems->levels[level].kept;
}

const char *problems_level_text(const struct problems *problems, enum problem_level level, size_t i)
{
	return problems->levels[level].text[i];
}

size_t problems_level_weight(const struct problems *problems, enum problem_level level, size_t i)
{
	return problems->levels[level].weight[i];
}

bool problems_level_is_complete(const struct problems *problems, enum problem_level level)
{
	return problems->levels[level].is_complete;
}

size_t problems_count(const struct problems *problems)
{
	return problems_level_count(problems, PROBLEM);
}

size_t problems_kept(const struct problems *problems)
{
	return problems_level_kept(problems, PROBLEM);
}

const char *problems_text(const struct problems *problems, size_t i)
{
	return problems_level_text(problems, PROBLEM, i);
}

void problems_summarize(const struct problems *errors, struct errmsg *err)
{
	const size_t others = problems_count(errors) - 1;

	if (others == 0)
		(void)errmsg_set(err, "%s", problems_text(errors, 0));
	else
		(void)errmsg_set(err, "%.*s; and %zu more error%s (see postern -n)",
			TEXT_CUT(problems_text(errors, 0), 450), others, others == 1 ? "" : "s");
}
