/*
 * Finds the regexes of a list that can match at all, with hyperscan if the build includes it. A
 * prefilter is immutable; each thread scans with its own scratch.
 */
#include "lib/match/regex_prefilter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "lib/base/text.h"
#include "lib/match/regex_plain.h"

#ifdef HAVE_HYPERSCAN
#include <hs.h>
#endif

/* With fewer regexes, trying each one is as fast. */
#define WORTH_IT 4

#define SHORT_REPEATS 16 /* positions that the repeats of an ordinary regex add at most */

bool regex_prefilter_bears(const struct regex_cost *cost)
{
	return cost->positions <= PREFILTER_POSITIONS_MAX &&
		cost->repeated <= PREFILTER_REPEATED_MAX && cost->edges <= PREFILTER_EDGES_MAX;
}

uint64_t regex_prefilter_load(const struct regex_cost *cost)
{
	return cost->repeated > SHORT_REPEATS ? cost->repeated : 0;
}

#ifdef HAVE_HYPERSCAN

/* Of one call of hyperscan, see work_of(). 6 s in the worst case that was found: regexes of ten
 * words of three letters with .* between them. */
#define CHUNK_WORK 50000
#define CHUNK_REFUSED 16 /* regexes that hyperscan reads and then refuses; each repeats work */

#define CHUNK_LOOSE 8 /* at most, of those that regex_plain_is_loose() describes */

#define CHUNK_LITERALS 10000 /* 0.2 s */

#define CHUNKS_EACH_LOOK 8 /* at the budget */

/* Hyperscan must prepare a scratch for each database once. The serials of those that are prepared
 * are kept, so many at least, and four times as many as one prefilter has. */
#define KNOWN_MIN 256

/* Preparing a scratch takes 20 to 100 microseconds for each database: in one scan, no longer than
 * this. */
#define PREPARING_NS (REGEX_BUDGET_NS / 5)

/* Some of the regexes. */
struct chunk {
	uint64_t serial;
	hs_database_t *db;
};

struct regex_prefilter {
	bool anchored;
	struct chunk *chunks;
	size_t count;
};

struct regex_prefilter_scratch {
	hs_scratch_t *hs;
	uint64_t *known; /* by serial, modulo the size */
	size_t size;	 /* a power of two */
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

static int sources_fill(struct sources *s, const char *const *regexes, size_t from, size_t to,
	bool anchored)
{
	size_t i, len;
	char *text;

	s->texts = calloc(to - from, sizeof(*s->texts));
	s->ids = calloc(to - from, sizeof(*s->ids));
	s->flags = calloc(to - from, sizeof(*s->flags));
	if (s->texts == NULL || s->ids == NULL || s->flags == NULL)
		return -1;
	for (i = from; i < to; i++) {
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
static void sources_drop(struct sources *s, unsigned i)
{
	free(s->texts[i]);
	s->count--;
	memmove(s->texts + i, s->texts + i + 1, (s->count - i) * sizeof(*s->texts));
	memmove(s->ids + i, s->ids + i + 1, (s->count - i) * sizeof(*s->ids));
	memmove(s->flags + i, s->flags + i + 1, (s->count - i) * sizeof(*s->flags));
}

/* Return the source that hyperscan refuses, or -1 if hyperscan itself has failed. When it runs out
 * of memory, the error names the first expression, which is not the cause. */
static int refused_source(const hs_compile_error_t *error, const struct sources *s)
{
	static const char *const own[] = { "Unable to allocate memory.", "Internal error." };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strcmp(error->message, own[i]) == 0)
			return -1;
	}
	return error->expression >= 0 && (unsigned)error->expression < s->count ?
		error->expression :
		-1;
}

/* Remove the sources that hyperscan cannot read, of which hs_compile_multi() names one at a time.
 */
static void drop_unreadable(struct sources *s)
{
	hs_compile_error_t *error;
	hs_expr_info_t *found;

	for (unsigned i = s->count; i-- > 0;) {
		error = NULL;
		found = NULL;
		if (hs_expression_info(s->texts[i], s->flags[i], &found, &error) != HS_SUCCESS)
			sources_drop(s, i);
		hs_free_compile_error(error);
		free(found);
	}
}

static hs_database_t *compile(struct sources *s)
{
	hs_compile_error_t *error = NULL;
	hs_database_t *db = NULL;
	int refused, which;

	for (refused = 0; s->count > 0 && refused <= CHUNK_REFUSED; refused++) {
		if (hs_compile_multi((const char *const *)s->texts, s->flags, s->ids, s->count,
			    HS_MODE_BLOCK, NULL, &db, &error) == HS_SUCCESS)
			return db;
		which = refused_source(error, s);
		hs_free_compile_error(error);
		if (which < 0)
			return NULL;
		sources_drop(s, (unsigned)which);
		if (refused == 0)
			drop_unreadable(s);
	}
	return NULL;
}

bool regex_prefilter_helps(size_t count)
{
	return count >= WORTH_IT && hs_valid_platform() == HS_SUCCESS;
}

struct regex_prefilter *regex_prefilter_new(bool anchored)
{
	struct regex_prefilter *prefilter = calloc(1, sizeof(*prefilter));

	if (prefilter != NULL)
		prefilter->anchored = anchored;
	return prefilter;
}

void regex_prefilter_free(struct regex_prefilter **prefilter)
{
	struct regex_prefilter *gone = *prefilter;

	*prefilter = NULL;
	if (gone == NULL)
		return;
	for (size_t i = 0; i < gone->count; i++)
		hs_free_database(gone->chunks[i].db);
	free(gone->chunks);
	free(gone);
}

static uint64_t work_of(const char *regex, const struct regex_cost *cost)
{
	return 16 + cost->positions + 9 * regex_prefilter_load(cost) + cost->edges / 4 +
		(regex_plain_is_loose(regex) ? CHUNK_WORK / (CHUNK_LOOSE + 1) : 0);
}

/* Returns the index after the regexes of one chunk: at least one, and as many as its bound allows.
 */
static size_t find_end(const char *const *regexes, const struct regex_cost *costs, size_t from,
	size_t count)
{
	uint64_t work = 0;
	size_t i;

	for (i = from; i < count; i++) {
		if (regexes[i] == NULL)
			continue;
		work += work_of(regexes[i], &costs[i]);
		if (i > from && work > CHUNK_WORK)
			break;
	}
	return i;
}

/* Take over the database of some sources. Returns 0, or -1 when out of memory. */
static int add_chunk(struct regex_prefilter *prefilter, hs_database_t *db)
{
	struct chunk *grown;

	grown = realloc(prefilter->chunks, (prefilter->count + 1) * sizeof(*grown));
	if (grown == NULL)
		return -1;
	prefilter->chunks = grown;
	grown[prefilter->count++] = (struct chunk){
		.serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED),
		.db = db,
	};
	return 0;
}

size_t regex_prefilter_add(struct regex_prefilter *prefilter, const char *const *regexes,
	const struct regex_cost *costs, size_t from, size_t count, bool *takes_part)
{
	const size_t end = find_end(regexes, costs, from, count);
	struct sources sources = { NULL, NULL, NULL, 0 };
	hs_database_t *db = NULL;

	if (end > from && sources_fill(&sources, regexes, from, end, prefilter->anchored) == 0)
		db = compile(&sources);
	if (db != NULL && add_chunk(prefilter, db) == 0) {
		for (unsigned i = 0; i < sources.count; i++)
			takes_part[sources.ids[i]] = true;
	} else {
		hs_free_database(db);
	}
	sources_free(&sources);
	return end;
}

/* Returns NULL when out of memory, or if hyperscan refuses a literal. */
static hs_database_t *compile_literals(const struct regex_literal *literals, const unsigned *ids,
	unsigned count)
{
	const char **texts = calloc(count, sizeof(*texts));
	size_t *lens = calloc(count, sizeof(*lens));
	unsigned *flags = calloc(count, sizeof(*flags));
	hs_compile_error_t *error = NULL;
	hs_database_t *db = NULL;

	if (texts != NULL && lens != NULL && flags != NULL) {
		for (unsigned i = 0; i < count; i++) {
			texts[i] = literals[ids[i]].text;
			lens[i] = literals[ids[i]].len;
			flags[i] = HS_FLAG_SINGLEMATCH;
		}
		if (hs_compile_lit_multi(texts, flags, ids, lens, count, HS_MODE_BLOCK, NULL, &db,
			    &error) != HS_SUCCESS)
			hs_free_compile_error(error);
	}
	free(texts);
	free(lens);
	free(flags);
	return db;
}

size_t regex_prefilter_add_literals(struct regex_prefilter *prefilter,
	const struct regex_literal *literals, size_t from, size_t count, bool *takes_part)
{
	unsigned *ids = calloc(CHUNK_LITERALS, sizeof(*ids)), chosen = 0;
	hs_database_t *db = NULL;
	size_t end;

	if (ids == NULL)
		return count;
	for (end = from; end < count && chosen < CHUNK_LITERALS; end++) {
		if (literals[end].len > 0)
			ids[chosen++] = (unsigned)end;
	}
	if (chosen > 0)
		db = compile_literals(literals, ids, chosen);
	if (db != NULL && add_chunk(prefilter, db) == 0) {
		for (unsigned i = 0; i < chosen; i++)
			takes_part[ids[i]] = true;
	} else {
		hs_free_database(db);
	}
	free(ids);
	return end;
}

size_t regex_prefilter_bytes(const struct regex_prefilter *prefilter)
{
	size_t bytes = sizeof(*prefilter), size;

	for (size_t i = 0; i < prefilter->count; i++) {
		if (hs_database_size(prefilter->chunks[i].db, &size) == HS_SUCCESS)
			bytes += size;
	}
	return bytes;
}

struct regex_prefilter_scratch *regex_prefilter_scratch_new(void)
{
	return calloc(1, sizeof(struct regex_prefilter_scratch));
}

/* Make room for the serials of so many chunks. Returns 0, or -1 when out of memory. */
static int make_known(struct regex_prefilter_scratch *scratch, size_t chunks)
{
	size_t size = scratch->size > 0 ? scratch->size : KNOWN_MIN;
	uint64_t *known;

	if (chunks * 4 <= scratch->size)
		return 0;
	while (size < chunks * 4)
		size *= 2;
	if ((known = calloc(size, sizeof(*known))) == NULL)
		return -1;
	free(scratch->known);
	scratch->known = known;
	scratch->size = size;
	return 0;
}

void regex_prefilter_scratch_free(struct regex_prefilter_scratch **scratch)
{
	if (*scratch != NULL) {
		hs_free_scratch((*scratch)->hs);
		free((*scratch)->known);
	}
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

static uint64_t time_of(const struct regex_budget *budget)
{
	return budget->clock != NULL ? budget->clock->passed_ns() : 0;
}

/*
 * Prepare a scratch for the chunks, or for the next of them if they are many, so that most of the
 * budget is left. Returns 0 when it is prepared for all, else -1.
 */
static int prepare_scratch(const struct regex_prefilter *prefilter,
	struct regex_prefilter_scratch *scratch, const struct regex_budget *budget)
{
	uint64_t begun = 0;

	if (make_known(scratch, prefilter->count) < 0)
		return -1;
	for (size_t i = 0; i < prefilter->count; i++) {
		const struct chunk *chunk = &prefilter->chunks[i];
		uint64_t *known = &scratch->known[chunk->serial & (scratch->size - 1)];

		if (*known == chunk->serial)
			continue;
		if (begun == 0)
			begun = time_of(budget);
		else if (time_of(budget) - begun > PREPARING_NS)
			return -1;
		if (hs_alloc_scratch(chunk->db, &scratch->hs) != HS_SUCCESS)
			return -1;
		*known = chunk->serial;
	}
	return 0;
}

int regex_prefilter_scan(const struct regex_prefilter *prefilter,
	struct regex_prefilter_scratch *scratch, struct regex_budget *budget, const char *subject,
	size_t len, uint64_t *bits)
{
	if (prepare_scratch(prefilter, scratch, budget) < 0)
		return -1;
	for (size_t i = 0; i < prefilter->count; i++) {
		if (i % CHUNKS_EACH_LOOK == CHUNKS_EACH_LOOK - 1 && regex_budget_is_spent(budget))
			return -1;
		if (hs_scan(prefilter->chunks[i].db, subject, (unsigned)len, 0, scratch->hs,
			    on_match, bits) != HS_SUCCESS)
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

struct regex_prefilter *regex_prefilter_new(bool anchored)
{
	(void)anchored;
	return NULL;
}

void regex_prefilter_free(struct regex_prefilter **prefilter)
{
	*prefilter = NULL;
}

size_t regex_prefilter_add(struct regex_prefilter *prefilter, const char *const *regexes,
	const struct regex_cost *costs, size_t from, size_t count, bool *takes_part)
{
	(void)prefilter;
	(void)regexes;
	(void)costs;
	(void)from;
	(void)takes_part;
	return count;
}

size_t regex_prefilter_add_literals(struct regex_prefilter *prefilter,
	const struct regex_literal *literals, size_t from, size_t count, bool *takes_part)
{
	(void)prefilter;
	(void)literals;
	(void)from;
	(void)takes_part;
	return count;
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
