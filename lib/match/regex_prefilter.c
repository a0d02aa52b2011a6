/*
 * Finds the regexes of a list that can match at all, with hyperscan if the build includes it. A
 * prefilter is immutable; each thread scans with its own scratch.
 */
#include "lib/match/regex_prefilter.h"

#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "lib/match/regex_index.h"

#ifdef HAVE_HYPERSCAN
#include <hs.h>

/* With fewer regexes, trying each one is as fast. */
#define WORTH_IT 4

#define STEP_LITERALS 10000 /* which hyperscan prepares in 0.2 s */

/* Hyperscan must prepare a scratch for each database once. A scratch keeps the serials of so many
 * prefilters for which that was done. */
#define KNOWN 256

struct regex_prefilter {
	uint64_t serial;
	struct regex_index *index;
	size_t done; /* the literals that the databases contain, of those in the index */
	hs_database_t **databases;
	size_t count;
};

struct regex_prefilter_scratch {
	hs_scratch_t *hs;
	uint64_t known[KNOWN]; /* by serial, modulo the size */
};

bool regex_prefilter_helps(size_t count)
{
	return count >= WORTH_IT && hs_valid_platform() == HS_SUCCESS;
}

struct regex_prefilter *regex_prefilter_new(const struct regex_literals *const *regexes,
	size_t count)
{
	static uint64_t last_serial; /* atomic */
	struct regex_prefilter *prefilter = calloc(1, sizeof(*prefilter));

	if (prefilter == NULL)
		return NULL;
	prefilter->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
	if ((prefilter->index = regex_index_new(regexes, count)) == NULL)
		regex_prefilter_free(&prefilter);
	return prefilter;
}

void regex_prefilter_free(struct regex_prefilter **prefilter)
{
	struct regex_prefilter *gone = *prefilter;

	*prefilter = NULL;
	if (gone == NULL)
		return;
	for (size_t i = 0; i < gone->count; i++)
		hs_free_database(gone->databases[i]);
	free(gone->databases);
	regex_index_free(&gone->index);
	free(gone);
}

/* What hyperscan reads of some literals. */
struct sources {
	const char *texts[STEP_LITERALS];
	size_t lens[STEP_LITERALS];
	unsigned ids[STEP_LITERALS], flags[STEP_LITERALS], count;
};

/* Take the next literals that select a regex. */
static void take_literals(struct regex_prefilter *prefilter, struct sources *s)
{
	const struct regex_index *index = prefilter->index;
	size_t i;

	s->count = 0;
	for (i = prefilter->done; i < index->literal_count && s->count < STEP_LITERALS; i++) {
		if (index->starts[i] == index->starts[i + 1])
			continue;
		s->texts[s->count] = index->literals[i]->text;
		s->lens[s->count] = index->literals[i]->len;
		s->ids[s->count] = (unsigned)i;
		s->flags[s->count++] = HS_FLAG_SINGLEMATCH;
	}
	prefilter->done = i;
}

/* Add a database of these literals. Returns 0, or -1 when out of memory. */
static int add_database(struct regex_prefilter *prefilter, const struct sources *s)
{
	hs_compile_error_t *error = NULL;
	hs_database_t **grown;

	grown = realloc(prefilter->databases, (prefilter->count + 1) * sizeof(hs_database_t *));
	if (grown == NULL)
		return -1;
	prefilter->databases = grown;
	if (hs_compile_lit_multi(s->texts, s->flags, s->ids, s->lens, s->count, HS_MODE_BLOCK, NULL,
		    &grown[prefilter->count], &error) != HS_SUCCESS) {
		hs_free_compile_error(error);
		return -1;
	}
	prefilter->count++;
	return 0;
}

enum regex_prefilter_step regex_prefilter_make(struct regex_prefilter *prefilter)
{
	struct sources *sources = malloc(sizeof(*sources));
	int ret = 0;

	if (sources == NULL)
		return REGEX_PREFILTER_FAILED;
	take_literals(prefilter, sources);
	if (sources->count > 0)
		ret = add_database(prefilter, sources);
	free(sources);
	if (ret < 0)
		return REGEX_PREFILTER_FAILED;
	if (prefilter->done < prefilter->index->literal_count)
		return REGEX_PREFILTER_CONTINUES;
	regex_index_drop_literals(prefilter->index);
	return REGEX_PREFILTER_IS_MADE;
}

size_t regex_prefilter_untested(const struct regex_prefilter *prefilter)
{
	return prefilter->index->untested;
}

size_t regex_prefilter_bytes(const struct regex_prefilter *prefilter)
{
	size_t bytes = sizeof(*prefilter) + regex_index_bytes(prefilter->index), size;

	for (size_t i = 0; i < prefilter->count; i++) {
		if (hs_database_size(prefilter->databases[i], &size) == HS_SUCCESS)
			bytes += size;
	}
	return bytes;
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

/* Prepare a scratch for the databases. Returns 0, or -1 when out of memory. */
static int prepare_scratch(const struct regex_prefilter *prefilter,
	struct regex_prefilter_scratch *scratch, struct regex_budget *budget)
{
	uint64_t *known = &scratch->known[prefilter->serial % KNOWN], paused;
	int ret = 0;

	if (*known == prefilter->serial)
		return 0;
	paused = regex_budget_pause(budget);
	for (size_t i = 0; i < prefilter->count && ret == 0; i++) {
		if (hs_alloc_scratch(prefilter->databases[i], &scratch->hs) != HS_SUCCESS)
			ret = -1;
	}
	regex_budget_resume(budget, paused);
	if (ret == 0)
		*known = prefilter->serial;
	return ret;
}

/* The regexes that one scan selects. */
struct selecting {
	const struct regex_index *index;
	uint64_t *bits;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags,
	void *context)
{
	const struct selecting *selecting = context;

	(void)from;
	(void)to;
	(void)flags;
	regex_index_select(selecting->index, id, selecting->bits);
	return 0;
}

int regex_prefilter_scan(const struct regex_prefilter *prefilter,
	struct regex_prefilter_scratch *scratch, struct regex_budget *budget, const char *subject,
	size_t len, uint64_t *bits)
{
	struct selecting selecting = { prefilter->index, bits };

	if (prepare_scratch(prefilter, scratch, budget) < 0)
		return -1;
	memcpy(bits, prefilter->index->always, prefilter->index->words * sizeof(*bits));
	for (size_t i = 0; i < prefilter->count; i++) {
		if (hs_scan(prefilter->databases[i], subject, (unsigned)len, 0, scratch->hs,
			    on_match, &selecting) != HS_SUCCESS)
			return -1;
	}
	return 0;
}

#else /* without hyperscan, every regex is tried */

bool regex_prefilter_helps(size_t count)
{
	(void)count;
	return false;
}

struct regex_prefilter *regex_prefilter_new(const struct regex_literals *const *regexes,
	size_t count)
{
	(void)regexes;
	(void)count;
	return NULL;
}

void regex_prefilter_free(struct regex_prefilter **prefilter)
{
	*prefilter = NULL;
}

enum regex_prefilter_step regex_prefilter_make(struct regex_prefilter *prefilter)
{
	(void)prefilter;
	return REGEX_PREFILTER_FAILED;
}

size_t regex_prefilter_untested(const struct regex_prefilter *prefilter)
{
	(void)prefilter;
	return 0;
}

size_t regex_prefilter_bytes(const struct regex_prefilter *prefilter)
{
	(void)prefilter;
	return 0;
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
	struct regex_prefilter_scratch *scratch, struct regex_budget *budget, const char *subject,
	size_t len, uint64_t *bits)
{
	(void)prefilter;
	(void)scratch;
	(void)budget;
	(void)subject;
	(void)len;
	(void)bits;
	return -1;
}

#endif
