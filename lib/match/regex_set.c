/*
 * The regexes of a list, and the steps that make them fast: machine code, and a prefilter for all
 * of them. Threads that match while a set is prepared see it without a part that is not complete
 * yet. Tested by t/unit/test_regexlist.c.
 */
#include "lib/match/regex_set.h"

#include <stdlib.h>
#include <string.h>

#include "lib/match/regex_cost.h"

/* If more regexes of a list than this require a literal, it does not select them, unless nothing
 * else can. */
#define LITERAL_COMMON 16

#define MACHINE_CODE_STEP 262144 /* bytes of the regexes in one step of regex_set_prepare() */

struct member {
	struct shared_regex *shared;
	bool is_costly;	 /* too large for the prefilter */
	bool takes_part; /* in the prefilter */
	bool is_fast;	 /* as counted in the set; likewise: */
	size_t bytes;
};

/* The result of preparing the prefilter. Immutable. */
struct selection {
	struct regex_prefilter *prefilter;
	size_t untested;
	uint64_t always[]; /* a bit for each regex that must be tried on every subject */
};

/* The next steps of regex_set_prepare(), which alone uses it. */
struct preparation {
	size_t at;			/* the regex that is compiled to machine code next */
	size_t searched;		/* the regex whose literal is added to the prefilter next */
	size_t selected;		/* the regex that is added to the prefilter next */
	struct regex_literal *literals; /* by which regexes take part; len 0: not by one */
	const char **texts;		/* of the others that take part, else NULL */
	struct regex_cost *costs;
	bool *takes_part;
	struct regex_prefilter *prefilter;
};

struct regex_set {
	unsigned refs;
	bool anchored;
	bool is_prepared; /* atomic */
	struct member *members;
	size_t count, size;
	uint64_t load;		     /* of the members that take part in the prefilter */
	size_t words;		     /* of a bitmap with one bit per regex */
	struct selection *selection; /* atomic; NULL: every regex is tried */
	size_t fast;		     /* members with machine code; atomic */
	uint64_t bytes, prepared_ns; /* of the members; of regex_set_prepare(); atomic */
	struct preparation preparation;
};

struct regex_set *regex_set_new(bool anchored)
{
	struct regex_set *set = calloc(1, sizeof(*set));

	if (set == NULL)
		return NULL;
	set->refs = 1;
	set->anchored = anchored;
	return set;
}

struct regex_set *regex_set_ref(struct regex_set *set)
{
	__atomic_add_fetch(&set->refs, 1, __ATOMIC_RELAXED);
	return set;
}

/* Free what preparing a set needs and the prepared set does not. */
static void end_preparation(struct regex_set *set)
{
	struct preparation *p = &set->preparation;

	free(p->literals);
	free(p->texts);
	free(p->costs);
	free(p->takes_part);
	regex_prefilter_free(&p->prefilter);
	*p = (struct preparation){ .at = set->count };
}

void regex_set_unref(struct regex_set **set)
{
	struct regex_set *gone = *set;

	*set = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	end_preparation(gone);
	for (size_t i = 0; i < gone->count; i++)
		shared_regex_unref(&gone->members[i].shared);
	if (gone->selection != NULL)
		regex_prefilter_free(&gone->selection->prefilter);
	free(gone->selection);
	free(gone->members);
	free(gone);
}

static int make_room(struct regex_set *set)
{
	size_t size = set->size ? set->size * 2 : 8;
	struct member *members;

	if (set->count < set->size)
		return 0;
	if ((members = realloc(set->members, size * sizeof(*members))) == NULL)
		return -1;
	set->members = members;
	set->size = size;
	return 0;
}

/* Bring the counts up to date with what a member has now. */
static void count_member(struct regex_set *set, struct member *m)
{
	const size_t bytes = shared_regex_bytes(m->shared);
	const bool is_fast = shared_regex_is_fast(m->shared);

	__atomic_add_fetch(&set->bytes, bytes - m->bytes, __ATOMIC_RELAXED);
	__atomic_add_fetch(&set->fast, (size_t)is_fast - m->is_fast, __ATOMIC_RELAXED);
	m->bytes = bytes;
	m->is_fast = is_fast;
}

int regex_set_add(struct regex_set *set, struct shared_regex *regex)
{
	const uint64_t load = regex_prefilter_load(&regex->cost);
	struct member m = { .shared = regex };

	if (make_room(set) < 0)
		return -1;
	if (regex->has_literal) {
		m.takes_part = true;
	} else if (regex->is_readable) {
		m.is_costly = !regex_prefilter_bears(&regex->cost) ||
			set->load + load > PREFILTER_LIST_MAX;
		m.takes_part = !m.is_costly;
		set->load += m.takes_part ? load : 0;
	}
	count_member(set, &m);
	set->members[set->count++] = m;
	return 0;
}

size_t regex_set_count(const struct regex_set *set)
{
	return set->count;
}

struct shared_regex *regex_set_at(const struct regex_set *set, size_t i)
{
	return set->members[i].shared;
}

bool regex_set_is_costly(const struct regex_set *set, size_t i)
{
	return set->members[i].is_costly;
}

bool regex_set_equal(const struct regex_set *a, const struct regex_set *b)
{
	if (a->count != b->count || a->anchored != b->anchored)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (a->members[i].shared != b->members[i].shared)
			return false;
	}
	return true;
}

int regex_set_finish(struct regex_set *set)
{
	struct member *shrunk;

	set->words = (set->count + 63) / 64;
	set->is_prepared = set->count == 0;
	if (set->count == 0)
		return 0;
	if ((shrunk = realloc(set->members, set->count * sizeof(*shrunk))) == NULL)
		return -1;
	set->members = shrunk;
	set->size = set->count;
	return 0;
}

/* ---- preparing ------------------------------------------------------------------- */

/* Compile the next regexes to machine code. */
static void prepare_regexes(struct regex_set *set)
{
	struct preparation *p = &set->preparation;
	uint64_t bytes = 0;

	while (p->at < set->count && bytes < MACHINE_CODE_STEP) {
		struct member *m = &set->members[p->at++];

		shared_regex_speed_up(m->shared);
		count_member(set, m);
		bytes += m->shared->cost.bytes;
	}
}

/* Decide which regexes take part in the prefilter by a literal, and which ones as regexes. Returns
 * 0, or -1 when out of memory. */
static int choose_literals(struct regex_set *set)
{
	struct preparation *p = &set->preparation;

	if (regex_literals_choose(p->texts, set->count, p->literals) < 0)
		return -1;
	for (size_t i = 0; i < set->count; i++) {
		const struct shared_regex *shared = set->members[i].shared;
		struct regex_literal *literal = &p->literals[i];

		if (literal->regexes > LITERAL_COMMON && shared->is_readable &&
			regex_prefilter_bears(&shared->cost) &&
			regex_prefilter_load(&shared->cost) == 0)
			literal->len = 0;
		if (literal->len > 0)
			p->texts[i] = NULL;
	}
	return 0;
}

static int begin_selection(struct regex_set *set)
{
	struct preparation *p = &set->preparation;
	size_t i;

	p->literals = calloc(set->count, sizeof(*p->literals));
	p->texts = calloc(set->count, sizeof(*p->texts));
	p->costs = calloc(set->count, sizeof(*p->costs));
	p->takes_part = calloc(set->count, sizeof(*p->takes_part));
	p->prefilter = regex_prefilter_new(set->anchored);
	if (p->literals == NULL || p->texts == NULL || p->costs == NULL || p->takes_part == NULL ||
		p->prefilter == NULL)
		return -1;
	for (i = 0; i < set->count; i++) {
		p->texts[i] = set->members[i].takes_part ? set->members[i].shared->plain : NULL;
		p->costs[i] = set->members[i].shared->cost;
	}
	return choose_literals(set);
}

/* Let other threads use the prefilter. When out of memory, they continue without it. */
static void publish_selection(struct regex_set *set)
{
	struct preparation *p = &set->preparation;
	struct selection *selection =
		calloc(1, sizeof(*selection) + set->words * sizeof(selection->always[0]));
	size_t i;

	if (selection == NULL)
		return;
	for (i = 0; i < set->count; i++) {
		if (p->takes_part[i])
			continue;
		selection->always[i / 64] |= UINT64_C(1) << (i % 64);
		selection->untested++;
	}
	selection->prefilter = p->prefilter;
	p->prefilter = NULL;
	__atomic_store_n(&set->selection, selection, __ATOMIC_RELEASE);
}

/* Add the next regexes to the prefilter. Returns whether more remain. */
static bool prepare_selection(struct regex_set *set)
{
	struct preparation *p = &set->preparation;

	if (!regex_prefilter_helps(set->count) ||
		(p->prefilter == NULL && begin_selection(set) < 0))
		return false;
	if (p->searched < set->count) {
		p->searched = regex_prefilter_add_literals(p->prefilter, p->literals, p->searched,
			set->count, p->takes_part);
		return true;
	}
	p->selected = regex_prefilter_add(p->prefilter, p->texts, p->costs, p->selected, set->count,
		p->takes_part);
	if (p->selected < set->count)
		return true;
	publish_selection(set);
	return false;
}

bool regex_set_prepare(struct regex_set *set)
{
	if (regex_set_is_prepared(set))
		return false;
	if (set->preparation.at < set->count) {
		prepare_regexes(set);
		return true;
	}
	if (prepare_selection(set))
		return true;
	end_preparation(set);
	__atomic_store_n(&set->is_prepared, true, __ATOMIC_RELEASE);
	return false;
}

bool regex_set_is_prepared(const struct regex_set *set)
{
	return __atomic_load_n(&set->is_prepared, __ATOMIC_ACQUIRE);
}

size_t regex_set_untested(const struct regex_set *set)
{
	const struct selection *selection = __atomic_load_n(&set->selection, __ATOMIC_ACQUIRE);

	return selection != NULL ? selection->untested : set->count;
}

void regex_set_measure(const struct regex_set *set, struct regexlist_size *size_r)
{
	const struct selection *selection = __atomic_load_n(&set->selection, __ATOMIC_ACQUIRE);

	*size_r = (struct regexlist_size){
		.regexes = set->count,
		.interpreted = set->count - __atomic_load_n(&set->fast, __ATOMIC_RELAXED),
		.untested = regex_set_untested(set),
		.bytes = __atomic_load_n(&set->bytes, __ATOMIC_RELAXED),
		.prepared_ns = __atomic_load_n(&set->prepared_ns, __ATOMIC_RELAXED),
	};
	if (selection != NULL)
		size_r->bytes += regex_prefilter_bytes(selection->prefilter);
}

void regex_set_add_time(struct regex_set *set, uint64_t ns)
{
	__atomic_add_fetch(&set->prepared_ns, ns, __ATOMIC_RELAXED);
}

/* ---- selecting ------------------------------------------------------------------- */

size_t regex_set_words(const struct regex_set *set)
{
	return set->words;
}

void regex_set_select(const struct regex_set *set, struct regex_prefilter_scratch *scratch,
	struct regex_budget *budget, const struct regex_subject *subject, uint64_t *bits)
{
	const struct selection *selection = __atomic_load_n(&set->selection, __ATOMIC_ACQUIRE);

	if (selection != NULL && subject->is_plain) {
		memcpy(bits, selection->always, set->words * sizeof(*bits));
		if (regex_prefilter_scan(selection->prefilter, scratch, budget, subject->text,
			    subject->len, bits) == 0)
			return;
	}
	memset(bits, 0xff, set->words * sizeof(*bits));
	if (set->count % 64 != 0)
		bits[set->words - 1] = (UINT64_C(1) << set->count % 64) - 1;
}
