/*
 * A list of texts about problems in a source. Each list has one owner and is used by one thread at
 * a time.
 */
#include "lib/base/problems.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

#define TEXT_SIZE 1024

struct kept_text {
	char *text;
	size_t weight;
};

struct texts {
	size_t count, kept;
	size_t room;	 /* for how many there is memory */
	size_t left;	 /* of the source: how many more texts may be kept */
	size_t withheld; /* of the source: how many were only counted */
	bool is_complete;
	struct kept_text *texts;
};

struct problems {
	size_t kept_max, of_source_max;
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

static struct problems *make(size_t kept_max, size_t of_source_max)
{
	struct problems *problems = calloc(1, sizeof(*problems));

	if (problems == NULL)
		return NULL;
	problems->kept_max = kept_max;
	problems->of_source_max = of_source_max;
	for (int level = 0; level < PROBLEM_LEVELS; level++)
		problems->levels[level].is_complete = true;
	begin_source(problems, kept_max);
	return problems;
}

struct problems *problems_new(void)
{
	return make(PROBLEMS_KEPT, PROBLEMS_OF_SOURCE);
}

struct problems *problems_new_unlimited(void)
{
	return make(SIZE_MAX, SIZE_MAX);
}

struct problems *problems_new_like(const struct problems *other)
{
	return make(other->kept_max, other->of_source_max);
}

static void free_texts(struct texts *texts)
{
	size_t i;

	for (i = 0; i < texts->kept; i++)
		free(texts->texts[i].text);
	free(texts->texts);
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

/* Make room for one more. Returns false when out of memory. */
static bool grow(struct texts *texts)
{
	const size_t room = texts->room == 0 ? 16 : texts->room * 2;
	struct kept_text *grown;

	if (texts->kept < texts->room)
		return true;
	if ((grown = reallocarray(texts->texts, room, sizeof(*grown))) == NULL)
		return false;
	texts->texts = grown;
	texts->room = room;
	return true;
}

static void keep_text(struct problems *problems, enum problem_level level, const char *text,
	size_t weight)
{
	struct texts *texts = &problems->levels[level];
	char *copy = NULL;

	if (texts->kept < problems->kept_max && grow(texts))
		copy = strdup(text);
	if (copy != NULL)
		texts->texts[texts->kept++] = (struct kept_text){ copy, weight };
	else
		texts->is_complete = false;
}

static void add_text(struct problems *problems, enum problem_level level, const char *format,
	va_list args) __attribute__((format(printf, 3, 0)));

static void add_text(struct problems *problems, enum problem_level level, const char *format,
	va_list args)
{
	struct texts *texts = &problems->levels[level];
	char text[TEXT_SIZE];

	texts->count++;
	if (texts->left == 0) {
		texts->withheld++;
		texts->is_complete = false;
		return;
	}
	texts->left--;
	(void)text_vformat(text, sizeof(text), format, args);
	keep_text(problems, level, text, 1);
}

void problems_add(struct problems *problems, const char *format, ...)
{
	va_list args;

	if (problems == NULL)
		return;
	va_start(args, format);
	add_text(problems, PROBLEM, format, args);
	va_end(args);
}

void problems_note(struct problems *problems, const char *format, ...)
{
	va_list args;

	if (problems == NULL)
		return;
	va_start(args, format);
	add_text(problems, PROBLEM_NOTE, format, args);
	va_end(args);
}

void problems_count_more(struct problems *problems, enum problem_level level, size_t count)
{
	if (problems == NULL || count == 0)
		return;
	problems->levels[level].count += count;
	problems->levels[level].withheld += count;
	problems->levels[level].is_complete = false;
}

void problems_add_all(struct problems *problems, const char *where, const struct problems *from)
{
	for (int level = 0; problems != NULL && from != NULL && level < PROBLEM_LEVELS; level++) {
		const struct texts *texts = &from->levels[level];

		for (size_t i = 0; i < texts->kept; i++) {
			void (*add)(struct problems * to, const char *format, ...) =
				level == PROBLEM_NOTE ? problems_note : problems_add;

			add(problems, "%s%s%s", where != NULL ? where : "",
				where != NULL ? ": " : "", texts->texts[i].text);
		}
		problems_count_more(problems, (enum problem_level)level,
			texts->count - texts->kept);
	}
}

bool problems_keep_next(const struct problems *problems, enum problem_level level)
{
	return problems != NULL && problems->levels[level].left > 0 &&
		problems->levels[level].kept < problems->kept_max;
}

void problems_add_weighted(struct problems *problems, enum problem_level level, size_t weight,
	const char *text)
{
	if (problems == NULL)
		return;
	problems->levels[level].count += weight;
	keep_text(problems, level, text, weight);
}

void problems_begin(struct problems *problems)
{
	if (problems != NULL)
		begin_source(problems, problems->of_source_max);
}

void problems_allow(struct problems *problems, const size_t texts[PROBLEM_LEVELS])
{
	for (int level = 0; problems != NULL && level < PROBLEM_LEVELS; level++)
		problems->levels[level].left = texts[level];
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
		keep_text(problems, (enum problem_level)level, text, more);
	}
	begin_source(problems, problems->kept_max);
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
	return problems->levels[level].texts[i].text;
}

size_t problems_level_weight(const struct problems *problems, enum problem_level level, size_t i)
{
	return problems->levels[level].texts[i].weight;
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
