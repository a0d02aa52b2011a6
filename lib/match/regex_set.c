/*
 * The regexes of a list, and the steps that make them fast: machine code, and a prefilter for all
 * of them. Threads that match while a set is prepared see it without a part that is not complete
 * yet. Tested by t/unit/test_regexlist.c.
 */
#include "lib/match/regex_set.h"

#include <stdlib.h>
#include <string.h>

#define MACHINE_CODE_STEP 262144 /* bytes of the regexes in one step of regex_set_prepare() */

/* With fewer regexes, trying each one is as fast as finding the marks of a subject. */
#define MARKS_WORTH_IT 4

struct member {
	struct shared_regex *shared;
	bool has_texts;		  /* by which the prefilter may find it */
	struct regex_marks marks; /* copied, so that those of all regexes are close together */
	bool is_fast;		  /* as counted in the set; likewise: */
	size_t bytes;
};

struct regex_set {
	unsigned refs;
	bool is_prepared; /* atomic */
	struct member *members;
	size_t count, size;
	size_t texts;			    /* of all members, at most */
	size_t past_texts;		    /* members that would exceed their number */
	size_t words;			    /* of a bitmap with one bit per regex */
	struct regex_prefilter *prefilter;  /* atomic; NULL: every regex is tried */
	size_t fast;			    /* members with machine code; atomic */
	uint64_t bytes, prepared_ns;	    /* of the members; of regex_set_prepare(); atomic */
	size_t compiled;		    /* members that were compiled to machine code */
	struct regex_prefilter *incomplete; /* the prefilter while it is made */
};

struct regex_set *regex_set_new(void)
{
	struct regex_set *set = calloc(1, sizeof(*set));

	if (set != NULL)
		set->refs = 1;
	return set;
}

struct regex_set *regex_set_ref(struct regex_set *set)
{
	__atomic_add_fetch(&set->refs, 1, __ATOMIC_RELAXED);
	return set;
}

void regex_set_unref(struct regex_set **set)
{
	struct regex_set *gone = *set;

	*set = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	regex_prefilter_free(&gone->incomplete);
	regex_prefilter_free(&gone->prefilter);
	for (size_t i = 0; i < gone->count; i++)
		shared_regex_unref(&gone->members[i].shared);
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
	struct member m = { .shared = regex, .marks = regex->marks };

	const size_t texts = regex_literals_largest(regex->literals);

	if (make_room(set) < 0)
		return -1;
	m.has_texts = set->texts + texts <= REGEX_TEXTS_MAX;
	if (m.has_texts)
		set->texts += texts;
	else
		set->past_texts++;
	count_member(set, &m);
	set->members[set->count++] = m;
	return 0;
}

size_t regex_set_past_texts(const struct regex_set *set)
{
	return set->past_texts;
}

size_t regex_set_count(const struct regex_set *set)
{
	return set->count;
}

struct shared_regex *regex_set_at(const struct regex_set *set, size_t i)
{
	return set->members[i].shared;
}

bool regex_set_equal(const struct regex_set *a, const struct regex_set *b)
{
	if (a->count != b->count)
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
static void compile_regexes(struct regex_set *set)
{
	uint64_t bytes = 0;

	while (set->compiled < set->count && bytes < MACHINE_CODE_STEP) {
		struct member *m = &set->members[set->compiled++];

		shared_regex_speed_up(m->shared);
		count_member(set, m);
		bytes += m->shared->cost;
	}
}

/* Returns whether the prefilter has begun. */
static bool begin_prefilter(struct regex_set *set)
{
	const struct regex_literals **literals =
		calloc(set->count, sizeof(const struct regex_literals *));

	if (literals == NULL)
		return false;
	for (size_t i = 0; i < set->count; i++)
		literals[i] = set->members[i].has_texts ? set->members[i].shared->literals : NULL;
	set->incomplete = regex_prefilter_new(literals, set->count);
	free(literals);
	return set->incomplete != NULL;
}

/* Do the next step of the prefilter. Returns whether more follow. When out of memory, there is
 * none. */
static bool make_prefilter(struct regex_set *set)
{
	if (set->incomplete == NULL)
		return regex_prefilter_helps(set->count) && begin_prefilter(set);
	switch (regex_prefilter_make(set->incomplete)) {
	case REGEX_PREFILTER_CONTINUES:
		return true;
	case REGEX_PREFILTER_IS_MADE: /* from now on, other threads use it */
		__atomic_store_n(&set->prefilter, set->incomplete, __ATOMIC_RELEASE);
		set->incomplete = NULL;
		return false;
	case REGEX_PREFILTER_FAILED:
	default:
		regex_prefilter_free(&set->incomplete);
		return false;
	}
}

bool regex_set_prepare(struct regex_set *set)
{
	if (regex_set_is_prepared(set))
		return false;
	if (set->compiled < set->count) {
		compile_regexes(set);
		return true;
	}
	if (make_prefilter(set))
		return true;
	__atomic_store_n(&set->is_prepared, true, __ATOMIC_RELEASE);
	return false;
}

bool regex_set_is_prepared(const struct regex_set *set)
{
	return __atomic_load_n(&set->is_prepared, __ATOMIC_ACQUIRE);
}

static const struct regex_prefilter *prefilter_of(const struct regex_set *set)
{
	return __atomic_load_n(&set->prefilter, __ATOMIC_ACQUIRE);
}

size_t regex_set_untested(const struct regex_set *set)
{
	const struct regex_prefilter *prefilter = prefilter_of(set);

	return prefilter != NULL ? regex_prefilter_untested(prefilter) : set->count;
}

void regex_set_measure(const struct regex_set *set, struct regexlist_size *size_r)
{
	const struct regex_prefilter *prefilter = prefilter_of(set);

	*size_r = (struct regexlist_size){
		.regexes = set->count,
		.interpreted = set->count - __atomic_load_n(&set->fast, __ATOMIC_RELAXED),
		.untested = regex_set_untested(set),
		.bytes = __atomic_load_n(&set->bytes, __ATOMIC_RELAXED),
		.prepared_ns = __atomic_load_n(&set->prepared_ns, __ATOMIC_RELAXED),
	};
	if (prefilter != NULL)
		size_r->bytes += regex_prefilter_bytes(prefilter);
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

/* Set the bits of all regexes, or of those that the prefilter finds. */
static void select_by_texts(const struct regex_set *set, struct regex_prefilter_scratch *scratch,
	struct regex_budget *budget, const struct regex_subject *subject, uint64_t *bits)
{
	const struct regex_prefilter *prefilter = prefilter_of(set);

	if (prefilter != NULL &&
		regex_prefilter_scan(prefilter, scratch, budget, subject->text, subject->len,
			bits) == 0)
		return;
	memset(bits, 0xff, set->words * sizeof(*bits));
	if (set->count % 64 != 0)
		bits[set->words - 1] = (UINT64_C(1) << set->count % 64) - 1;
}

/* Clear the bits of those members of a word whose marks the subject lacks. */
static uint64_t keep_marked(const struct member *members, uint64_t word, struct regex_marks marks)
{
	uint64_t kept = 0;

	for (; word != 0; word &= word - 1) {
		const int i = __builtin_ctzll(word);

		kept |= (uint64_t)regex_marks_contain(marks, members[i].marks) << i;
	}
	return kept;
}

void regex_set_select(const struct regex_set *set, struct regex_prefilter_scratch *scratch,
	struct regex_budget *budget, const struct regex_subject *subject, uint64_t *bits)
{
	struct regex_marks marks = { 0 };
	size_t w = 0;

	select_by_texts(set, scratch, budget, subject, bits);
	if (set->count < MARKS_WORTH_IT)
		return;
	while (w < set->words && bits[w] == 0)
		w++;
	if (w == set->words)
		return;
	regex_marks_add(&marks, subject->text, subject->len);
	for (; w < set->words; w++)
		bits[w] = keep_marked(set->members + w * 64, bits[w], marks);
}
