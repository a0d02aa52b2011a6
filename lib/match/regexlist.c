/*
 * Lists of regexes with bounds on time and memory, on PCRE2. Once a list is finished, one thread
 * prepares it while others match: those see a list without a part that is not complete yet. Each
 * thread matches with its own scratch.
 */
#include "lib/match/regexlist.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "lib/match/regex_cost.h"
#include "lib/match/regex_prefilter.h"
#include "lib/match/regex_shared.h"
#include "lib/match/regex_subject.h"

/* The bounds of one match, besides the time budget. The interpreter makes fewer steps than machine
 * code, but takes longer for each. */
#define MATCH_LIMIT 500000
#define INTERPRETER_LIMIT 50000
#define SPARSE_LIMIT 5000 /* of regexes with few callouts */
#define DEPTH_LIMIT 5000
#define HEAP_LIMIT_KIB 2048

#define JIT_STACK_START (32 * 1024)
#define JIT_STACK_MAX (512 * 1024)

#define REGEX_MAX 4096 /* bytes of one regex */

#define MACHINE_CODE_STEP 262144 /* bytes of the regexes in one step of regexlist_prepare() */

struct regex {
	struct shared_regex *shared;
	uint32_t value;
	bool is_costly;	 /* too large for the prefilter */
	bool takes_part; /* in the prefilter */
};

/* The result of preparing the prefilter. Immutable. */
struct selection {
	struct regex_prefilter *prefilter;
	size_t untested;
	uint64_t always[]; /* a bit for each regex that must be tried on every subject */
};

/* The next steps of regexlist_prepare(), which alone uses it. */
struct preparation {
	size_t at;	 /* the regex that is compiled to machine code next */
	size_t selected; /* the regex that is added to the prefilter next */
	const char **texts;
	struct regex_cost *costs;
	bool *takes_part;
	struct regex_prefilter *prefilter;
};

struct regexlist {
	unsigned refs;
	bool anchored;
	bool is_prepared; /* atomic */
	struct regex *regexes;
	size_t count, size;
	struct regex_pool *pool; /* while it is filled; NULL: none */
	uint64_t bytes;
	uint64_t load;		     /* of the regexes that take part in the prefilter */
	size_t words;		     /* of a bitmap with one bit per regex */
	struct selection *selection; /* atomic; NULL: every regex is tried */
	struct preparation preparation;
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
	struct regexlist *list = calloc(1, sizeof(*list));

	if (list == NULL)
		return NULL;
	list->refs = 1;
	list->anchored = anchored;
	return list;
}

struct regexlist *regexlist_ref(struct regexlist *list)
{
	if (list != NULL)
		__atomic_add_fetch(&list->refs, 1, __ATOMIC_RELAXED);
	return list;
}

/* Free what preparing a list needs and the finished list does not. */
static void end_preparation(struct regexlist *list)
{
	struct preparation *p = &list->preparation;

	free(p->texts);
	free(p->costs);
	free(p->takes_part);
	regex_prefilter_free(&p->prefilter);
	*p = (struct preparation){ .at = list->count };
}

void regexlist_unref(struct regexlist **list)
{
	struct regexlist *gone = *list;
	size_t i;

	*list = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	end_preparation(gone);
	for (i = 0; i < gone->count; i++)
		shared_regex_unref(&gone->regexes[i].shared);
	if (gone->selection != NULL)
		regex_prefilter_free(&gone->selection->prefilter);
	free(gone->selection);
	free(gone->regexes);
	free(gone);
}

static int make_room(struct regexlist *list, struct errmsg *err)
{
	size_t size = list->size ? list->size * 2 : 8;
	struct regex *regexes;

	if (list->count < list->size)
		return 0;
	if ((regexes = realloc(list->regexes, size * sizeof(*regexes))) == NULL)
		return errmsg_set(err, "out of memory");
	list->regexes = regexes;
	list->size = size;
	return 0;
}

/* Decide whether a regex takes part in the prefilter. */
static void join_prefilter(struct regexlist *list, struct regex *r)
{
	const struct shared_regex *shared = r->shared;
	const uint64_t load = regex_prefilter_load(&shared->cost);

	if (!shared->is_readable)
		return;
	r->is_costly =
		!regex_prefilter_bears(&shared->cost) || list->load + load > PREFILTER_LIST_MAX;
	r->takes_part = !r->is_costly;
	if (r->takes_part)
		list->load += load;
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
		list->bytes += known->cost.bytes;
		*regex_r = shared_regex_ref(known);
		return REGEX_ADDED;
	}
	added = shared_regex_new(regex, len, list->anchored, regex_r, &bytes, err);
	list->bytes += bytes;
	if (added == REGEX_ADDED && list->pool != NULL)
		(void)regex_pool_keep(list->pool, *regex_r); /* only saves time */
	return added;
}

enum regex_added regexlist_add(struct regexlist *list, const char *regex, size_t len,
	uint32_t value, struct errmsg *err)
{
	struct regex r = { .value = value };
	enum regex_added added;

	if (len > REGEX_MAX) {
		(void)errmsg_set(err, "the regex has %zu bytes; at most %d are allowed", len,
			REGEX_MAX);
		return REGEX_REFUSED;
	}
	if (make_room(list, err) < 0)
		return REGEX_OUT_OF_MEMORY;
	if ((added = find_regex(list, regex, len, &r.shared, err)) != REGEX_ADDED)
		return added;
	join_prefilter(list, &r);
	list->regexes[list->count++] = r;
	return REGEX_ADDED;
}

void regexlist_use_pool(struct regexlist *list, struct regex_pool *pool)
{
	list->pool = pool;
}

int regex_pool_add(struct regex_pool *pool, const struct regexlist *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (regex_pool_keep(pool, list->regexes[i].shared) < 0)
			return -1;
	}
	return 0;
}

uint64_t regexlist_bytes(const struct regexlist *list)
{
	return list->bytes;
}

uint64_t regexlist_bytes_of(const char *regex, size_t len, bool anchored)
{
	const struct regex_mode mode = { .anchored = anchored, .lines = false };
	struct regex_forms forms = REGEX_FORMS_INIT;
	uint64_t bytes = REGEX_COST_MAX;

	if (len > REGEX_MAX)
		return 0;
	if (regex_forms_make(&forms, regex, len, mode) == 0)
		bytes = forms.cost.bytes;
	regex_forms_free(&forms);
	return bytes;
}

bool regexlist_is_costly(const struct regexlist *list, struct errmsg *why_r)
{
	const struct regex *r = &list->regexes[list->count - 1];
	const struct regex_cost *cost = &r->shared->cost;

	if (cost->bytes > REGEX_MACHINE_CODE_MAX)
		(void)errmsg_set(why_r,
			"with its repeats written out, the regex takes up to %" PRIu64
			" bytes; above %d, it is interpreted, and tried on every subject",
			cost->bytes, REGEX_MACHINE_CODE_MAX);
	else if (r->is_costly)
		(void)errmsg_set(why_r,
			"repeats add %" PRIu64 " characters to the regex, which then has %" PRIu64
			" with %" PRIu64 " transitions; above %d, %d, %d, or %d added in the whole "
			"list, it is tried on every subject",
			cost->repeated, cost->positions, cost->edges, PREFILTER_REPEATED_MAX,
			PREFILTER_POSITIONS_MAX, PREFILTER_EDGES_MAX, PREFILTER_LIST_MAX);
	else
		return false;
	return true;
}

bool regexlist_is_excluded(const struct regexlist *list, size_t i, uint32_t *value_r)
{
	const struct regex *r = &list->regexes[i];

	if (r->shared->is_readable || !regex_prefilter_helps(list->count))
		return false;
	*value_r = r->value;
	return true;
}

bool regexlist_has_machine_code(void)
{
	return regex_compile_is_fast();
}

int regexlist_finish(struct regexlist *list, struct errmsg *err)
{
	struct regex *shrunk;

	list->pool = NULL;
	list->words = (list->count + 63) / 64;
	list->is_prepared = list->count == 0;
	if (list->count == 0)
		return 0;
	if ((shrunk = realloc(list->regexes, list->count * sizeof(*shrunk))) == NULL)
		return errmsg_set(err, "out of memory");
	list->regexes = shrunk;
	list->size = list->count;
	return 0;
}

/* ---- preparing ------------------------------------------------------------------- */

/* Compile the next regexes to machine code. */
static void prepare_regexes(struct regexlist *list)
{
	struct preparation *p = &list->preparation;
	uint64_t bytes = 0;

	while (p->at < list->count && bytes < MACHINE_CODE_STEP) {
		struct shared_regex *shared = list->regexes[p->at++].shared;

		shared_regex_speed_up(shared);
		bytes += shared->cost.bytes;
	}
}

static int begin_selection(struct regexlist *list)
{
	struct preparation *p = &list->preparation;
	size_t i;

	p->texts = calloc(list->count, sizeof(*p->texts));
	p->costs = calloc(list->count, sizeof(*p->costs));
	p->takes_part = calloc(list->count, sizeof(*p->takes_part));
	p->prefilter = regex_prefilter_new(list->anchored);
	if (p->texts == NULL || p->costs == NULL || p->takes_part == NULL || p->prefilter == NULL)
		return -1;
	for (i = 0; i < list->count; i++) {
		p->texts[i] = list->regexes[i].takes_part ? list->regexes[i].shared->plain : NULL;
		p->costs[i] = list->regexes[i].shared->cost;
	}
	return 0;
}

/* Let other threads use the prefilter. When out of memory, they continue without it. */
static void publish_selection(struct regexlist *list)
{
	struct preparation *p = &list->preparation;
	struct selection *selection =
		calloc(1, sizeof(*selection) + list->words * sizeof(selection->always[0]));
	size_t i;

	if (selection == NULL)
		return;
	for (i = 0; i < list->count; i++) {
		if (p->takes_part[i])
			continue;
		selection->always[i / 64] |= UINT64_C(1) << (i % 64);
		selection->untested++;
	}
	selection->prefilter = p->prefilter;
	p->prefilter = NULL;
	__atomic_store_n(&list->selection, selection, __ATOMIC_RELEASE);
}

/* Add the next regexes to the prefilter. Returns whether more remain. */
static bool prepare_selection(struct regexlist *list)
{
	struct preparation *p = &list->preparation;

	if (!regex_prefilter_helps(list->count) ||
		(p->prefilter == NULL && begin_selection(list) < 0))
		return false;
	p->selected = regex_prefilter_add(p->prefilter, p->texts, p->costs, p->selected,
		list->count, p->takes_part);
	if (p->selected < list->count)
		return true;
	publish_selection(list);
	return false;
}

bool regexlist_prepare(struct regexlist *list)
{
	if (regexlist_is_prepared(list))
		return false;
	if (list->preparation.at < list->count) {
		prepare_regexes(list);
		return true;
	}
	if (prepare_selection(list))
		return true;
	end_preparation(list);
	__atomic_store_n(&list->is_prepared, true, __ATOMIC_RELEASE);
	return false;
}

bool regexlist_is_prepared(const struct regexlist *list)
{
	return __atomic_load_n(&list->is_prepared, __ATOMIC_ACQUIRE);
}

/* ---- matching -------------------------------------------------------------------- */

/* Set the bits of the regexes to try. -1 when out of memory. */
static int choose(const struct regexlist *list, struct regex_scratch *s,
	const struct regex_subject *subject)
{
	const struct selection *selection = __atomic_load_n(&list->selection, __ATOMIC_ACQUIRE);
	uint64_t *bits;

	if (s->words < list->words) {
		if ((bits = realloc(s->bits, list->words * sizeof(*bits))) == NULL)
			return -1;
		s->bits = bits;
		s->words = list->words;
	}
	if (selection != NULL && subject->is_plain) {
		memcpy(s->bits, selection->always, list->words * sizeof(*s->bits));
		if (regex_prefilter_scan(selection->prefilter, s->prefilter, &s->budget,
			    subject->text, subject->len, s->bits) == 0)
			return 0;
	}
	memset(s->bits, 0xff, list->words * sizeof(*s->bits));
	if (list->count % 64 != 0)
		s->bits[list->words - 1] = (UINT64_C(1) << list->count % 64) - 1;
	return 0;
}

static enum regex_result try_one(struct shared_regex *r, struct regex_scratch *s,
	const struct regex_subject *subject)
{
	const pcre2_code *code = __atomic_load_n(&r->fast, __ATOMIC_ACQUIRE);
	pcre2_match_context *context = s->context;
	int rc;

	if (regex_budget_is_spent(&s->budget))
		return REGEX_FAILED;
	regex_budget_grant(&s->budget);
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

enum regex_result regexlist_match(const struct regexlist *list, struct regex_scratch *scratch,
	const char *subject, size_t len, uint32_t *value_r)
{
	enum regex_result result = REGEX_NO;
	struct regex_subject folded;
	uint64_t word;
	size_t w, i;

	if (list->count == 0)
		return REGEX_NO;
	if (regex_subject_fold(subject, len, &scratch->folded, &folded) < 0 ||
		choose(list, scratch, &folded) < 0) {
		*value_r = list->regexes[0].value;
		return REGEX_FAILED;
	}
	for (w = 0; w < list->words; w++) {
		for (word = scratch->bits[w]; word != 0; word &= word - 1) {
			i = w * 64 + (size_t)__builtin_ctzll(word);
			switch (try_one(list->regexes[i].shared, scratch, &folded)) {
			case REGEX_YES:
				*value_r = list->regexes[i].value;
				return REGEX_YES;
			case REGEX_FAILED: /* another regex may still match */
				if (result == REGEX_NO)
					*value_r = list->regexes[i].value;
				result = REGEX_FAILED;
				break;
			case REGEX_NO:
				break;
			}
		}
	}
	return result;
}

size_t regexlist_count(const struct regexlist *list)
{
	return list->count;
}

size_t regexlist_untested(const struct regexlist *list)
{
	const struct selection *selection = __atomic_load_n(&list->selection, __ATOMIC_ACQUIRE);

	return selection != NULL ? selection->untested : list->count;
}
