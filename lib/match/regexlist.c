/*
 * Lists of regexes with bounds on time and memory, on PCRE2. Each thread matches with its own
 * scratch. regex_set.c makes lists fast.
 */
#include "lib/match/regexlist.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/match/regex_cost.h"
#include "lib/match/regex_prefilter.h"
#include "lib/match/regex_set.h"
#include "lib/match/regex_shared.h"
#include "lib/match/regex_subject.h"

/* The bounds of one match, besides the time budget. The interpreter makes fewer steps than machine
 * code, but takes longer for each. */
#define MATCH_LIMIT 500000
#define INTERPRETER_LIMIT 50000
#define SPARSE_LIMIT 5000 /* of regexes with few callouts */
#define DEPTH_LIMIT 5000
#define HEAP_LIMIT_KIB 2048

/* Beginning a match, which may compile the regex for lines, counts as this many bytes of a subject.
 */
#define WORK_OF_START 16

#define JIT_STACK_START (32 * 1024)
#define JIT_STACK_MAX (512 * 1024)

struct regexlist {
	unsigned refs;
	uint64_t serial;
	bool anchored;
	struct regex_set *set;
	uint32_t *values; /* of each regex */
	size_t size;
	struct regex_pool *pool; /* while it is filled; NULL: none */
	uint64_t bytes;
};

struct regex_scratch {
	pcre2_match_data *match;
	pcre2_match_context *context, *interpreter, *sparse; /* for machine code; for the others;
								and for those with few callouts */
	pcre2_jit_stack *stack;
	struct regex_prefilter_scratch *prefilter;
	uint64_t *bits;
	size_t words;
	struct strbuf folded; /* the text of the subject */
	struct regex_budget budget;
};

/* Called by PCRE2 during a match. A negative result ends it. */
static int on_callout(pcre2_callout_block *block, void *budget)
{
	(void)block;
	return regex_budget_step(budget) ? PCRE2_ERROR_CALLOUT : 0;
}

static pcre2_match_context *make_context(uint32_t match_limit, struct regex_budget *budget)
{
	pcre2_match_context *context = pcre2_match_context_create(NULL);

	if (context == NULL)
		return NULL;
	pcre2_set_match_limit(context, match_limit);
	pcre2_set_depth_limit(context, DEPTH_LIMIT);
	pcre2_set_heap_limit(context, HEAP_LIMIT_KIB);
	(void)pcre2_set_callout(context, on_callout, budget);
	return context;
}

struct regex_scratch *regex_scratch_new(const struct regex_clock *clock)
{
	struct regex_scratch *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	s->budget.clock = clock;
	s->match = pcre2_match_data_create(1, NULL);
	s->context = make_context(MATCH_LIMIT, &s->budget);
	s->interpreter = make_context(INTERPRETER_LIMIT, &s->budget);
	s->sparse = make_context(SPARSE_LIMIT, &s->budget);
	s->stack = pcre2_jit_stack_create(JIT_STACK_START, JIT_STACK_MAX, NULL);
	s->prefilter = regex_prefilter_scratch_new();
	if (s->match == NULL || s->context == NULL || s->interpreter == NULL || s->sparse == NULL ||
		s->stack == NULL || s->prefilter == NULL) {
		regex_scratch_free(&s);
		return NULL;
	}
	pcre2_jit_stack_assign(s->context, NULL, s->stack);
	regex_scratch_begin(s);
	return s;
}

void regex_scratch_limit(struct regex_scratch *scratch, uint32_t steps)
{
	const struct {
		pcre2_match_context *context;
		uint32_t usual;
	} limits[] = {
		{ scratch->context, MATCH_LIMIT },
		{ scratch->interpreter, INTERPRETER_LIMIT },
		{ scratch->sparse, SPARSE_LIMIT },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		pcre2_set_match_limit(limits[i].context,
			steps < limits[i].usual ? steps : limits[i].usual);
}

void regex_scratch_free(struct regex_scratch **scratch)
{
	struct regex_scratch *s = *scratch;

	if (s == NULL)
		return;
	pcre2_match_data_free(s->match);
	pcre2_match_context_free(s->context);
	pcre2_match_context_free(s->interpreter);
	pcre2_match_context_free(s->sparse);
	pcre2_jit_stack_free(s->stack);
	regex_prefilter_scratch_free(&s->prefilter);
	strbuf_free(&s->folded);
	free(s->bits);
	free(s);
	*scratch = NULL;
}

void regex_scratch_begin(struct regex_scratch *scratch)
{
	regex_budget_begin(&scratch->budget);
}

struct regexlist *regexlist_new(bool anchored)
{
	static uint64_t last_serial; /* atomic */
	struct regexlist *list = calloc(1, sizeof(*list));

	if (list == NULL)
		return NULL;
	list->refs = 1;
	list->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
	list->anchored = anchored;
	if ((list->set = regex_set_new()) == NULL) {
		free(list);
		return NULL;
	}
	return list;
}

struct regexlist *regexlist_ref(struct regexlist *list)
{
	if (list != NULL)
		__atomic_add_fetch(&list->refs, 1, __ATOMIC_RELAXED);
	return list;
}

void regexlist_unref(struct regexlist **list)
{
	struct regexlist *gone = *list;

	*list = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	regex_set_unref(&gone->set);
	free(gone->values);
	free(gone);
}

static int make_room(struct regexlist *list)
{
	size_t size = list->size ? list->size * 2 : 8;
	uint32_t *values;

	if (regexlist_count(list) < list->size)
		return 0;
	if ((values = realloc(list->values, size * sizeof(*values))) == NULL)
		return -1;
	list->values = values;
	list->size = size;
	return 0;
}

/* Find a regex in the pool, or compile it and add it to the pool. */
static enum regex_added find_regex(struct regexlist *list, const char *regex, size_t len,
	struct shared_regex **regex_r, struct errmsg *err)
{
	struct shared_regex *known =
		list->pool != NULL ? regex_pool_find(list->pool, regex, len, list->anchored) : NULL;
	enum regex_added added;
	uint64_t bytes;

	if (known != NULL) {
		list->bytes += known->cost;
		*regex_r = shared_regex_ref(known);
		return REGEX_ADDED;
	}
	added = shared_regex_new(regex, len, list->anchored, regex_r, &bytes, err);
	list->bytes += bytes;
	if (added == REGEX_ADDED && list->pool != NULL)
		(void)regex_pool_keep(list->pool, *regex_r); /* only saves time */
	return added;
}

static enum regex_added run_out(struct errmsg *err)
{
	(void)errmsg_set(err, "out of memory");
	return REGEX_OUT_OF_MEMORY;
}

enum regex_added regexlist_add(struct regexlist *list, const char *regex, size_t len,
	uint32_t value, struct errmsg *err)
{
	const size_t i = regexlist_count(list);
	struct shared_regex *shared;
	enum regex_added added;

	if (len > REGEX_MAX) {
		(void)errmsg_set(err, "the regex has %zu bytes; at most %d are allowed", len,
			REGEX_MAX);
		return REGEX_REFUSED;
	}
	if (make_room(list) < 0)
		return run_out(err);
	if ((added = find_regex(list, regex, len, &shared, err)) != REGEX_ADDED)
		return added;
	if (regex_set_add(list->set, shared) < 0) {
		shared_regex_unref(&shared);
		return run_out(err);
	}
	list->values[i] = value;
	return REGEX_ADDED;
}

void regexlist_use_pool(struct regexlist *list, struct regex_pool *pool)
{
	list->pool = pool;
}

int regex_pool_add(struct regex_pool *pool, const struct regexlist *list)
{
	for (size_t i = 0; i < regexlist_count(list); i++) {
		if (regex_pool_keep(pool, regex_set_at(list->set, i)) < 0)
			return -1;
	}
	return 0;
}

uint64_t regexlist_bytes(const struct regexlist *list)
{
	return list->bytes;
}

uint64_t regexlist_bytes_of(const char *regex, size_t len, bool anchored, uint64_t max)
{
	const struct regex_mode mode = { .anchored = anchored, .lines = false };
	struct regex_forms forms = REGEX_FORMS_INIT;
	uint64_t bytes = REGEX_COST_MAX;

	if (len > REGEX_MAX)
		return 0;
	if (regex_forms_make(&forms, regex, len, mode, max) == 0)
		bytes = forms.cost;
	regex_forms_free(&forms);
	return bytes;
}

bool regexlist_is_costly(const struct regexlist *list, struct errmsg *why_r)
{
	const uint64_t cost = regex_set_at(list->set, regexlist_count(list) - 1)->cost;

	if (cost <= REGEX_MACHINE_CODE_MAX)
		return false;
	(void)errmsg_set(why_r,
		"with its repeats written out, the regex takes up to %" PRIu64
		" bytes; above %d, it is interpreted",
		cost, REGEX_MACHINE_CODE_MAX);
	return true;
}

size_t regexlist_past_texts(const struct regexlist *list)
{
	return regex_set_past_texts(list->set);
}

bool regexlist_has_machine_code(void)
{
	return regex_compile_is_fast();
}

int regexlist_finish(struct regexlist *list, const struct regexlist *previous, struct errmsg *err)
{
	list->pool = NULL;
	if (previous != NULL && regex_set_equal(list->set, previous->set)) {
		regex_set_unref(&list->set);
		list->set = regex_set_ref(previous->set);
	} else if (regex_set_finish(list->set) < 0) {
		return errmsg_set(err, "out of memory");
	}
	return 0;
}

bool regexlist_prepare(struct regexlist *list)
{
	return regex_set_prepare(list->set);
}

bool regexlist_is_prepared(const struct regexlist *list)
{
	return regex_set_is_prepared(list->set);
}

void regexlist_measure(const struct regexlist *list, struct regexlist_size *size_r)
{
	regex_set_measure(list->set, size_r);
}

void regexlist_add_time(struct regexlist *list, uint64_t ns)
{
	regex_set_add_time(list->set, ns);
}

/* ---- matching -------------------------------------------------------------------- */

/* Set the bits of the regexes to try. -1 when out of memory. */
static int choose(const struct regexlist *list, struct regex_scratch *s,
	const struct regex_subject *subject)
{
	const size_t words = regex_set_words(list->set);
	uint64_t *bits;

	if (s->words < words) {
		if ((bits = realloc(s->bits, words * sizeof(*bits))) == NULL)
			return -1;
		s->bits = bits;
		s->words = words;
	}
	regex_set_select(list->set, s->prefilter, &s->budget, subject, s->bits);
	return 0;
}

static enum regex_result try_one(struct shared_regex *r, struct regex_scratch *s,
	const struct regex_subject *subject)
{
	const pcre2_code *code = __atomic_load_n(&r->fast, __ATOMIC_ACQUIRE);
	pcre2_match_context *context = s->context;
	int rc;

	if (!regex_budget_begin_match(&s->budget, r->cost * (subject->len + WORK_OF_START)))
		return REGEX_FAILED;
	if (code == NULL || (subject->has_lines && r->has_lines)) {
		code = subject->has_lines && r->has_lines ? shared_regex_lines(r) : r->code;
		context = r->is_sparse ? s->sparse : s->interpreter;
	}
	if (code == NULL)
		return REGEX_FAILED;
	rc = pcre2_match(code, (PCRE2_SPTR)subject->text, subject->len, 0, PCRE2_NO_UTF_CHECK,
		s->match, context);
	if (rc >= 0)
		return REGEX_YES;
	return rc == PCRE2_ERROR_NOMATCH ? REGEX_NO : REGEX_FAILED;
}

/* Fetch the next regex from memory while the present one is tried: a thousand are too many for the
 * processor's caches. */
static void fetch_next(const struct regex_set *set, size_t w, uint64_t others)
{
	if (others != 0)
		__builtin_prefetch(regex_set_at(set, w * 64 + (size_t)__builtin_ctzll(others)));
}

enum regex_result regexlist_match(const struct regexlist *list, struct regex_scratch *scratch,
	const char *subject, size_t len, uint32_t *value_r)
{
	const size_t words = regex_set_words(list->set);
	enum regex_result result = REGEX_NO;
	struct regex_subject folded;
	uint64_t word;
	size_t w, i;

	if (words == 0)
		return REGEX_NO;
	if (regex_subject_fold(subject, len, &scratch->folded, &folded) < 0 ||
		choose(list, scratch, &folded) < 0) {
		*value_r = list->values[0];
		return REGEX_FAILED;
	}
	for (w = 0; w < words; w++) {
		for (word = scratch->bits[w]; word != 0; word &= word - 1) {
			i = w * 64 + (size_t)__builtin_ctzll(word);
			fetch_next(list->set, w, word & (word - 1));
			switch (try_one(regex_set_at(list->set, i), scratch, &folded)) {
			case REGEX_YES:
				*value_r = list->values[i];
				return REGEX_YES;
			case REGEX_FAILED: /* another regex may still match */
				if (result == REGEX_NO)
					*value_r = list->values[i];
				result = REGEX_FAILED;
				break;
			case REGEX_NO:
				break;
			}
		}
	}
	return result;
}

uint64_t regexlist_serial(const struct regexlist *list)
{
	return list->serial;
}

size_t regexlist_count(const struct regexlist *list)
{
	return regex_set_count(list->set);
}

size_t regexlist_untested(const struct regexlist *list)
{
	return regex_set_untested(list->set);
}
