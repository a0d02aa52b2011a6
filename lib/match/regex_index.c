/*
 * Chooses the literals by which the regexes of a list are found. The object belongs to its caller;
 * any thread may read it.
 */
#include "lib/match/regex_index.h"

#include <stdlib.h>

#include "lib/base/strmap.h"

#define WORD 64 /* bits */

/* An index while it is made. */
struct making {
	struct regex_index *index;
	struct strmap *numbers;		     /* of the literals */
	uint32_t *uses;			     /* of each literal: how many regexes require it */
	size_t size;			     /* of the arrays by literal */
	const struct regex_literal **chosen; /* the first of the set of each regex, or NULL */
};

static uint32_t number_of(const struct making *m, const struct regex_literal *literal)
{
	uint32_t number = 0;

	(void)strmap_find(m->numbers, literal->text, literal->len, &number);
	return number;
}

static int make_room(struct making *m)
{
	const size_t size = m->size > 0 ? m->size * 2 : 64;
	const struct regex_literal **literals;
	uint32_t *uses;

	if (m->index->literal_count < m->size)
		return 0;
	literals = realloc(m->index->literals, size * sizeof(const struct regex_literal *));
	if (literals == NULL)
		return -1;
	m->index->literals = literals;
	if ((uses = realloc(m->uses, size * sizeof(*uses))) == NULL)
		return -1;
	m->uses = uses;
	m->size = size;
	return 0;
}

/* Count one more regex that requires the literal. Returns 0, or -1 when out of memory. */
static int count_literal(struct making *m, const struct regex_literal *literal)
{
	struct regex_index *index = m->index;

	if (make_room(m) < 0)
		return -1;
	switch (strmap_add(m->numbers, literal->text, literal->len,
		(uint32_t)index->literal_count)) {
	case 1:
		m->uses[index->literal_count] = 1;
		index->literals[index->literal_count++] = literal;
		return 0;
	case 0:
		m->uses[number_of(m, literal)]++;
		return 0;
	default:
		return -1;
	}
}

static int count_literals(struct making *m, const struct regex_literals *const *regexes)
{
	for (size_t i = 0; i < m->index->regex_count; i++) {
		for (size_t k = 0; regexes[i] != NULL && k < regexes[i]->count; k++) {
			if (count_literal(m, &regexes[i]->at[k]) < 0)
				return -1;
		}
	}
	return 0;
}

static uint64_t uses_of(const struct making *m, const struct regex_literal *first)
{
	uint64_t uses = 0;

	for (size_t i = 0; i < first->together; i++)
		uses += m->uses[number_of(m, &first[i])];
	return uses;
}

/* Return the set whose literals have the fewest uses, all together, and of those, the one with the
 * longest texts. */
static const struct regex_literal *choose(const struct making *m, const struct regex_literals *all)
{
	const struct regex_literal *best = NULL, *set;
	uint64_t uses, fewest = 0;

	for (size_t k = 0; all != NULL && k < all->count; k += set->together) {
		set = &all->at[k];
		uses = uses_of(m, set);
		if (best == NULL || uses < fewest ||
			(uses == fewest &&
				regex_literal_shortest(set) > regex_literal_shortest(best))) {
			best = set;
			fewest = uses;
		}
	}
	return best;
}

/* Choose for each regex, and count the regexes that each literal selects. */
static int choose_all(struct making *m, const struct regex_literals *const *regexes)
{
	struct regex_index *index = m->index;

	m->chosen = calloc(index->regex_count, sizeof(const struct regex_literal *));
	index->starts = calloc(index->literal_count + 1, sizeof(*index->starts));
	index->always = calloc(index->words, sizeof(*index->always));
	if (m->chosen == NULL || index->starts == NULL || index->always == NULL)
		return -1;
	for (size_t i = 0; i < index->regex_count; i++) {
		const struct regex_literal *set = m->chosen[i] = choose(m, regexes[i]);

		if (set == NULL) {
			index->always[i / WORD] |= UINT64_C(1) << (i % WORD);
			index->untested++;
		}
		for (size_t k = 0; set != NULL && k < set->together; k++)
			index->starts[number_of(m, &set[k]) + 1]++;
	}
	return 0;
}

/* Write down which regexes each literal selects. */
static int fill(struct making *m)
{
	struct regex_index *index = m->index;

	for (size_t i = 0; i < index->literal_count; i++) {
		index->starts[i + 1] += index->starts[i];
		m->uses[i] = index->starts[i]; /* from now on, where the next regex is written */
	}
	/* one more than needed, because it may be none */
	index->regexes =
		calloc((size_t)index->starts[index->literal_count] + 1, sizeof(*index->regexes));
	if (index->regexes == NULL)
		return -1;
	for (size_t i = 0; i < index->regex_count; i++) {
		const struct regex_literal *set = m->chosen[i];

		for (size_t k = 0; set != NULL && k < set->together; k++)
			index->regexes[m->uses[number_of(m, &set[k])]++] = (uint32_t)i;
	}
	return 0;
}

struct regex_index *regex_index_new(const struct regex_literals *const *regexes, size_t count)
{
	struct making m = { .index = calloc(1, sizeof(*m.index)), .numbers = strmap_new() };
	int ret = -1;

	if (m.index != NULL && m.numbers != NULL) {
		m.index->regex_count = count;
		m.index->words = (count + WORD - 1) / WORD;
		if (count_literals(&m, regexes) == 0 && choose_all(&m, regexes) == 0)
			ret = fill(&m);
	}
	strmap_free(&m.numbers);
	free(m.uses);
	free(m.chosen);
	if (ret < 0)
		regex_index_free(&m.index);
	return m.index;
}

void regex_index_free(struct regex_index **index)
{
	struct regex_index *gone = *index;

	*index = NULL;
	if (gone == NULL)
		return;
	free(gone->literals);
	free(gone->starts);
	free(gone->regexes);
	free(gone->always);
	free(gone);
}

void regex_index_drop_literals(struct regex_index *index)
{
	free(index->literals);
	index->literals = NULL;
}

size_t regex_index_bytes(const struct regex_index *index)
{
	return sizeof(*index) + (index->literal_count + 1) * sizeof(*index->starts) +
		index->starts[index->literal_count] * sizeof(*index->regexes) +
		index->words * sizeof(*index->always);
}

void regex_index_select(const struct regex_index *index, size_t literal, uint64_t *bits)
{
	for (uint32_t at = index->starts[literal]; at < index->starts[literal + 1]; at++)
		bits[index->regexes[at] / WORD] |= UINT64_C(1) << (index->regexes[at] % WORD);
}
