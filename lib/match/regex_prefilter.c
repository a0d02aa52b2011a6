/*
 * Finds the regexes of a list that can match at all, with hyperscan if the build includes it. A
 * prefilter is immutable; each thread scans with its own scratch.
 */
#include "lib/match/regex_prefilter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "lib/base/text.h"

#ifdef HAVE_HYPERSCAN
#include <hs.h>
#endif

/* With fewer regexes, trying each one is as fast. */
#define WORTH_IT 4

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && isdigit((unsigned char)*p))
		p++;
	return p;
}

/* Return the position after "{n}", "{n,}" or "{n,m}" at p, or NULL for anything else. */
static const char *skip_counts(const char *p, const char *end)
{
	const char *digits = p + 1;

	p = skip_digits(digits, end);
	if (p == digits || p - digits > 3)
		return NULL;
	if (p < end && *p == ',')
		p = skip_digits(p + 1, end);
	return p < end && *p == '}' ? p + 1 : NULL;
}

/* Return the position after the escape at p, or NULL when the dialects may read it differently. */
static const char *skip_escape(const char *p, const char *end)
{
	if (p + 1 >= end)
		return NULL;
	return p[1] == 'd' || p[1] == 'w' || p[1] == 'D' || p[1] == 'W' ||
			ispunct((unsigned char)p[1]) ?
		p + 2 :
		NULL;
}

/* Return the position after the class at p, or NULL for an empty, POSIX or otherwise odd one. */
static const char *skip_class(const char *p, const char *end)
{
	p++;
	if (p < end && *p == '^')
		p++;
	if (p < end && *p == ']')
		return NULL;
	while (p < end && *p != ']') {
		if (*p == '[' || !isprint((unsigned char)*p))
			return NULL;
		p = *p == '\\' ? skip_escape(p, end) : p + 1;
		if (p == NULL)
			return NULL;
	}
	return p < end ? p + 1 : NULL;
}

/* Return the position after the quantifier at p with its lazy mark, or NULL for a possessive one.
 */
static const char *skip_quantifier(const char *p, const char *end)
{
	p = *p == '{' ? skip_counts(p, end) : p + 1;
	if (p == NULL || (p < end && *p == '+'))
		return NULL;
	return p < end && *p == '?' ? p + 1 : p;
}

bool regex_prefilter_can(const char *regex, size_t len)
{
	const char *p = regex, *end = regex + len;

	while (p != NULL && p < end) {
		switch (*p) {
		case '\\':
			p = skip_escape(p, end);
			break;
		case '[':
			p = skip_class(p, end);
			break;
		case '(':
			if (p + 1 < end && p[1] == '*')
				return false;
			if (p + 1 < end && p[1] == '?') {
				if (p + 2 >= end || p[2] != ':')
					return false;
				p += 2;
			}
			p++;
			break;
		case '*':
		case '+':
		case '?':
		case '{':
			p = skip_quantifier(p, end);
			break;
		default:
			p = isprint((unsigned char)*p) ? p + 1 : NULL;
		}
	}
	return p != NULL;
}

#ifdef HAVE_HYPERSCAN

/* hyperscan must prepare a scratch for each database once; the serials of the last ones are kept.
 */
#define KNOWN 256

struct regex_prefilter {
	uint64_t serial;
	hs_database_t *db;
};

struct regex_prefilter_scratch {
	hs_scratch_t *hs;
	uint64_t known[KNOWN];
};

static uint64_t last_serial;

struct sources {
	char **texts;
	unsigned *ids, *flags;
	unsigned count;
};

static void sources_free(struct sources *s)
{
	unsigned i;

	for (i = 0; s->texts != NULL && i < s->count; i++)
		free(s->texts[i]);
	free(s->texts);
	free(s->ids);
	free(s->flags);
}

static int sources_fill(struct sources *s, const char *const *regexes, size_t count, bool anchored)
{
	size_t i, len;
	char *text;

	s->texts = calloc(count, sizeof(*s->texts));
	s->ids = calloc(count, sizeof(*s->ids));
	s->flags = calloc(count, sizeof(*s->flags));
	if (s->texts == NULL || s->ids == NULL || s->flags == NULL)
		return -1;
	for (i = 0; i < count; i++) {
		if (regexes[i] == NULL)
			continue;
		len = strlen(regexes[i]) + sizeof("^(?:)$");
		if ((text = malloc(len)) == NULL)
			return -1;
		(void)text_format(text, len, anchored ? "^(?:%s)$" : "(?:%s)", regexes[i]);
		s->texts[s->count] = text;
		s->ids[s->count] = (unsigned)i;
		s->flags[s->count++] = HS_FLAG_CASELESS | HS_FLAG_DOTALL | HS_FLAG_SINGLEMATCH |
			HS_FLAG_ALLOWEMPTY | HS_FLAG_PREFILTER;
	}
	return 0;
}

/* Remove the source that hyperscan cannot compile. */
static void sources_drop(struct sources *s, unsigned i, bool *takes_part)
{
	takes_part[s->ids[i]] = false;
	free(s->texts[i]);
	s->count--;
	memmove(s->texts + i, s->texts + i + 1, (s->count - i) * sizeof(*s->texts));
	memmove(s->ids + i, s->ids + i + 1, (s->count - i) * sizeof(*s->ids));
	memmove(s->flags + i, s->flags + i + 1, (s->count - i) * sizeof(*s->flags));
}

static hs_database_t *compile(struct sources *s, bool *takes_part)
{
	hs_compile_error_t *error = NULL;
	hs_database_t *db = NULL;

	while (s->count >= WORTH_IT) {
		if (hs_compile_multi((const char *const *)s->texts, s->flags, s->ids, s->count,
			    HS_MODE_BLOCK, NULL, &db, &error) == HS_SUCCESS)
			return db;
		if (error->expression < 0 || (unsigned)error->expression >= s->count) {
			hs_free_compile_error(error);
			return NULL;
		}
		sources_drop(s, (unsigned)error->expression, takes_part);
		hs_free_compile_error(error);
	}
	return NULL;
}

struct regex_prefilter *regex_prefilter_new(const char *const *regexes, size_t count, bool anchored,
	bool *takes_part)
{
	struct regex_prefilter *prefilter = NULL;
	struct sources sources = { NULL, NULL, NULL, 0 };
	hs_database_t *db = NULL;

	if (count >= WORTH_IT && hs_valid_platform() == HS_SUCCESS &&
		sources_fill(&sources, regexes, count, anchored) == 0)
		db = compile(&sources, takes_part);
	sources_free(&sources);
	if (db != NULL && (prefilter = calloc(1, sizeof(*prefilter))) != NULL) {
		prefilter->db = db;
		prefilter->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
		return prefilter;
	}
	hs_free_database(db);
	memset(takes_part, 0, count * sizeof(*takes_part));
	return NULL;
}

void regex_prefilter_free(struct regex_prefilter **prefilter)
{
	if (*prefilter != NULL)
		hs_free_database((*prefilter)->db);
	free(*prefilter);
	*prefilter = NULL;
}

struct regex_prefilter_scratch *regex_prefilter_scratch_new(void)
{
	return calloc(1, sizeof(struct regex_prefilter_scratch));
}

void regex_prefilter_scratch_free(struct regex_prefilter_scratch **scratch)
{
	if (*scratch != NULL)
		hs_free_scratch((*scratch)->hs);
	free(*scratch);
	*scratch = NULL;
}

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
	void *context)
{
	uint64_t *bits = context;

	(void)from;
	(void)to;
	(void)flags;
	bits[id / 64] |= UINT64_C(1) << (id % 64);
	return 0;
}

int regex_prefilter_scan(const struct regex_prefilter *prefilter,
	struct regex_prefilter_scratch *scratch, const char *subject, size_t len, uint64_t *bits)
{
	uint64_t *known = &scratch->known[prefilter->serial % KNOWN];

	if (*known != prefilter->serial) {
		if (hs_alloc_scratch(prefilter->db, &scratch->hs) != HS_SUCCESS)
			return -1;
		*known = prefilter->serial;
	}
	if (hs_scan(prefilter->db, subject, (unsigned)len, 0, scratch->hs, on_match, bits) !=
		HS_SUCCESS)
		return -1;
	return 0;
}

#else /* without hyperscan, every regex is tried */

struct regex_prefilter *regex_prefilter_new(const char *const *regexes, size_t count, bool anchored,
	bool *takes_part)
{
	(void)regexes;
	(void)anchored;
	memset(takes_part, 0, count * sizeof(*takes_part));
	return NULL;
}

void regex_prefilter_free(struct regex_prefilter **prefilter)
{
	*prefilter = NULL;
}

struct regex_prefilter_scratch *regex_prefilter_scratch_new(void)
{
	return malloc(1); /* any pointer: NULL would mean out of memory */
}

void regex_prefilter_scratch_free(struct regex_prefilter_scratch **scratch)
{
	free(*scratch);
	*scratch = NULL;
}

int regex_prefilter_scan(const struct regex_prefilter *prefilter,
	struct regex_prefilter_scratch *scratch, const char *subject, size_t len, uint64_t *bits)
{
	(void)prefilter;
	(void)scratch;
	(void)subject;
	(void)len;
	(void)bits;
	return -1;
}

#endif
