/*
 * The fair queue: the order of items within a flow, among flows and among ranks; sets of ranks that
 * have a turn; and removal.
 */
#include "milter/loop/fair_queue.h"

#include <string.h>

#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define ITEMS_MAX 400

static const uint8_t turns[] = { 1, 6, 1, 4 }; /* sets of the ranks 0, 1 and 2 */
static struct fair_queue *queue;
static struct named {
	struct fair_item item; /* first, so that a pointer to it is one to the struct */
	char name;
} items[ITEMS_MAX];

static void setup(void)
{
	queue = fair_queue_new(3, turns, sizeof(turns));
	ck_assert_ptr_nonnull(queue);
	memset(items, 0, sizeof(items));
}

static void teardown(void)
{
	while (fair_queue_next(queue, ~0U) != NULL)
		;
	fair_queue_free(&queue);
	ck_assert_ptr_null(queue);
	fair_queue_free(&queue); /* accepts NULL */
}

/* Add an item; the flow of a name is the letter without its case. */
static void add(int i, char name, unsigned rank)
{
	items[i].name = name;
	ck_assert_int_eq(fair_queue_add(queue, &items[i].item, rank, (uint64_t)(name & 0x1f)), 0);
}

/* Each item is a letter and its rank. */
static const struct {
	const char *added, *order;
	unsigned rank_set;
} orders[] = {
	{ "", "", 7 }, { "a0", "a", 7 }, { "a0A0b0", "abA", 7 }, /* flows take turns */
	{ "a0A0a0b0c0", "abcAa", 7 }, /* a long one waits behind the others */
	{ "a1A1b0", "baA", 7 },	      /* one rank before another */
	{ "a2b1c0", "cba", 7 },
	{ "a0b0c0d0e0f1g1h2", "afbhcgde", 7 },	  /* the last rank has every fourth turn */
	{ "a0b0c0d1e1g2h2", "adbgceh", 7 },	  /* each has its turns */
	{ "a0b0c0d2", "adbc", 7 },		  /* the second of a set */
	{ "a2b2c2d2", "abcd", 7 },		  /* an only rank has all */
	{ "a0b1c2", "bc", 6 },			  /* only ranks of the set */
	{ "a0b1c2", "", 0 }, { "a0A1", "aA", 7 }, /* one flow in two ranks */
};
START_TEST(takes_turns)
	{
		const char *added = orders[_i].added;
		char got[32] = "";
		struct fair_item *item;

		for (int i = 0; added[i] != '\0'; i += 2)
			add(i, added[i], (unsigned)(added[i + 1] - '0'));
		while ((item = fair_queue_next(queue, orders[_i].rank_set)) != NULL) {
			ck_assert_ptr_null(item->flow);
			got[strlen(got)] = ((struct named *)(void *)item)->name;
		}
		ck_assert_str_eq(got, orders[_i].order);
	}
END_TEST

START_TEST(three_hundred_of_one_flow_delay_another_by_one)
	{
		for (int i = 0; i < 300; i++)
			add(i, 'a', 0);
		add(300, 'b', 0);
		ck_assert_int_eq(((struct named *)(void *)fair_queue_next(queue, ~0U))->name, 'a');
		ck_assert_int_eq(((struct named *)(void *)fair_queue_next(queue, ~0U))->name, 'b');
	}
END_TEST

START_TEST(removed_items_have_no_turn)
	{
		add(0, 'a', 0);
		add(1, 'A', 0);
		add(2, 'b', 1);
		fair_queue_remove(queue, &items[0].item);
		fair_queue_remove(queue, &items[2].item);
		fair_queue_remove(queue, &items[2].item); /* no longer in the queue */
		ck_assert_ptr_eq(fair_queue_next(queue, ~0U), &items[1].item);
		ck_assert_ptr_null(fair_queue_next(queue, ~0U));
	}
END_TEST

/* Two workers, one of which may only take rank 0 or 1, call in turn. */
START_TEST(a_turn_waits_for_a_call_with_one_of_its_ranks)
	{
		const unsigned rank_sets[] = { 7, 3 };
		unsigned served[3] = { 0 };

		for (int i = 0; i < 300; i++)
			add(i, (char)('a' + i % 3), (unsigned)(i % 3));
		for (int i = 0; i < 96; i++) {
			const struct fair_item *item = fair_queue_next(queue, rank_sets[i % 2]);

			served[((const struct named *)(const void *)item)->name - 'a']++;
		}
		ck_assert_uint_ge(served[2], 96 / 8);
		ck_assert_uint_ge(served[1], 96 / 8);
		ck_assert_uint_ge(served[0], 96 / 4);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("fair_queue");
	TCase *tcase = tcase_create("fair_queue");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, takes_turns, 0, COUNT(orders));
	tcase_add_test(tcase, three_hundred_of_one_flow_delay_another_by_one);
	tcase_add_test(tcase, removed_items_have_no_turn);
	tcase_add_test(tcase, a_turn_waits_for_a_call_with_one_of_its_ranks);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
