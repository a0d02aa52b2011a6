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

struct texts {
	size_t count, kept;
	char *text[PROBLEMS_KEPT];
};

struct problems {
	struct texts levels[PROBLEM_LEVELS];
};

struct problems *problems_new(void)
{
	return calloc(1, sizeof(struct problems));
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

static void add_text(struct texts *texts, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void add_text(struct texts *texts, const char *format, va_list args)
{
	char text[1024];

	texts->count++;
	if (texts->kept == PROBLEMS_KEPT)
		return;
	(void)text_vformat(text, sizeof(text), format, args);
	if ((texts->text[texts->kept] = strdup(text)) != NULL)
		texts->kept++;
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
