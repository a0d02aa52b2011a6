/*
 * Shows that a set of profiles that is changed row by row is the set that a builder makes of all
 * rows, with the same problems in the same order, and that it shares the rows that did not change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/rules/profile_private.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/lib/profiles_dump.h"
#include "t/unit/unit.h"

#define IDS 16
#define COSTLY "((((a{1,9}|b|c){1,20}z){1,20}){1,5})x"

/* A table of few ids and names, so that names collide and rows come back. */
struct row {
	bool exists;
	char id[8];
	const char *cells[PROFILE_COLUMNS]; /* but for the id */
};

static struct row table[IDS];
static unsigned seed, random_state;
static char *many_hosts;

static unsigned pick(unsigned count)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 16) % count;
}

/* Some values leave out the row, some an item, some are in force with a note. */
static const char *pick_value(enum profile_column column)
{
	static const char *const values[PROFILE_COLUMNS][8] = {
		[PROFILE_NAME] = { "sales", "staff", "Sales", "", NULL, "support", "4", "x" },
		[PROFILE_DESC] = { NULL, "text", "", "other", NULL, NULL, "bad \xff", NULL },
		[PROFILE_OPEN] = { "t", "f", NULL, "true", "f", "f", "maybe", "" },
		[PROFILE_LIMITS] = { "1/1h", NULL, "", "5/1d,1/1m", "x/1h", "7", NULL, "2/3" },
		[PROFILE_MAXSIZE] = { "0", NULL, "1000", "-1", "25", NULL, "x", "0" },
		[PROFILE_HOST] = { "a.example", ".b.example,a.example", NULL,
			"not a host!,a.example", "", "*.c.example", "d.example", "b..example" },
		[PROFILE_RCPT] = { "bob@c.example", NULL, "", "x@a.example,no address at all",
			"\"x\"@a.example", "@d.example", NULL, "x@a.example" },
		[PROFILE_RCPT_RE] = { "x\\d@d\\.example$", NULL, "a,b),c$", "^(ab{1,200}c){1,20}$",
			"", "a\\.example", "same$,also@same$", "(" },
	};

	if (column == PROFILE_HOST && pick(16) == 0)
		return many_hosts;
	return values[column][pick(8)];
}

static void change_row(struct row *row)
{
	for (int column = PROFILE_NAME; column < PROFILE_COLUMNS; column++)
		if (pick(2) == 0)
			row->cells[column] = pick(3) == 0 ?
				pick_value((enum profile_column)column) :
				row->cells[column];
	if (pick(3) == 0)
		row->cells[PROFILE_NAME] = pick_value(PROFILE_NAME);
}

static void add_row(struct profiles_builder *builder, const struct row *row)
{
	struct cell cells[PROFILE_COLUMNS] = { [PROFILE_ID] = made_cell(row->id) };

	for (int column = PROFILE_NAME; column < PROFILE_COLUMNS; column++)
		cells[column] = made_cell(row->cells[column]);
	ck_assert_int_ge(profiles_builder_add(builder, cells), 0);
}

/* Build a set of all rows, in any order. */
static struct profiles *build_all(bool anchored, const struct profiles *previous)
{
	struct profiles_builder *builder = profiles_builder_new(anchored);
	const unsigned first = pick(IDS), step = 1 + 2 * pick(8); /* odd: prime to IDS */
	struct profiles *profiles;

	for (unsigned i = 0; i < IDS; i++)
		if (table[(first + i * step) % IDS].exists)
			add_row(builder, &table[(first + i * step) % IDS]);
	profiles = profiles_builder_finish(&builder, previous);
	ck_assert_ptr_nonnull(profiles);
	return profiles;
}

static void begin_table(unsigned from)
{
	random_state = seed = from;
	memset(table, 0, sizeof(table));
	for (unsigned i = 0; i < IDS; i++) {
		(void)snprintf(table[i].id, sizeof(table[i].id), "%u", i);
		table[i].exists = pick(2) == 0;
		for (int column = PROFILE_NAME; column < PROFILE_COLUMNS; column++)
			table[i].cells[column] = pick_value((enum profile_column)column);
	}
}

static char *dump(const struct profiles *profiles)
{
	struct strbuf text = STRBUF_INIT;
	struct problems *problems = problems_new();

	problems_begin(problems); /* as many texts as a load reports */
	profiles_report(profiles, problems);
	problems_end(problems, "profiles", "row");
	profiles_dump(&text, profiles);
	problems_dump(&text, problems);
	problems_free(&problems);
	ck_assert(!text.failed);
	return strbuf_take(&text);
}

static void check_same(const struct profiles *changed, const struct profiles *whole)
{
	char *got = dump(changed), *expected = dump(whole);

	if (strcmp(got, expected) != 0) /* too long for a message of Check */
		printf("changed:\n%sall rows:\n%s", got, expected);
	ck_assert_msg(strcmp(got, expected) == 0, "seed %u", seed);
	ck_assert(profiles_same(changed, whole));
	free(got);
	free(expected);
}

/* Change some rows of the table, and the set likewise. Returns the new set. */
static struct profiles *change_some(struct profiles *profiles, bool anchored)
{
	struct profiles_builder *builder = profiles_builder_change(profiles, anchored);
	struct profiles *new;
	bool is_changed[IDS] = { false };

	ck_assert_ptr_nonnull(builder);
	for (unsigned i = 1 + pick(3); i > 0; i--) {
		struct row *row = &table[pick(IDS)];

		profiles_builder_remove(builder, row->id);
		is_changed[row - table] = true;
		row->exists = pick(4) > 0;
		/* Now and then, a row gets another id, as long as ids are unique. */
		(void)snprintf(row->id, sizeof(row->id), "%s%d",
			pick(4) > 0	     ? "" :
				pick(2) == 0 ? "x" :
					       "-",
			(int)(row - table));
		profiles_builder_remove(builder, row->id);
		change_row(row);
	}
	profiles_builder_remove(builder, "gone"); /* a row that never was is no harm */
	for (unsigned i = 0; i < IDS; i++)
		if (is_changed[i] && table[i].exists)
			add_row(builder, &table[i]);
	new = profiles_builder_finish(&builder, NULL);
	ck_assert_ptr_nonnull(new);
	return new;
}

START_TEST(changed_rows_make_the_set_that_all_rows_make)
	{
		const unsigned changes = unit_times_plain(100, 10);
		struct profiles *profiles, *whole, *new;
		bool anchored = false;

		begin_table((unsigned)_i + 1);
		profiles = build_all(anchored, NULL);
		for (unsigned i = 0; i < changes; i++) {
			anchored = anchored != (pick(20) == 0);
			new = change_some(profiles, anchored);
			ck_assert(profiles_can_change(new));
			whole = build_all(anchored, pick(2) == 0 ? profiles : NULL);
			check_same(new, whole);
			profiles_unref(&whole);
			profiles_unref(&profiles);
			profiles = new;
		}
		profiles_unref(&profiles);
	}
END_TEST

/* ---- bounds over all rows --------------------------------------------------------- */

/* What fits within a bound depends on other rows: it changes when these do, and is reported so. */
static const struct {
	enum profile_column column;
	size_t bytes; /* of the first of three rows, of which two fit */
} bounds[] = {
	{ PROFILE_HOST, PROFILES_TABLES_TEXT / 5 * 2 },
	{ PROFILE_RCPT_RE, PROFILES_REGEX_TEXT / 5 * 2 },
};
START_TEST(what_fits_is_decided_again_when_other_rows_change)
	{
		char *texts[3];
		struct profiles *profiles, *new, *whole;
		struct profiles_builder *builder;
		const unsigned steps = 6;
		unsigned left_out = 0;

		begin_table(1);
		for (unsigned row = 0; row < IDS; row++)
			table[row] = (struct row){ .exists = false, .id = { (char)('a' + row) } };
		for (unsigned row = 0; row < 3; row++) {
			texts[row] = malloc(bounds[_i].bytes + row + 1);
			memset(texts[row], 'x', bounds[_i].bytes + row);
			texts[row][bounds[_i].bytes + row] = '\0';
			table[row].cells[bounds[_i].column] = texts[row];
			table[row].exists = true;
		}
		profiles = build_all(false, NULL);
		for (unsigned i = 0; i < steps; i++) {
			struct row *row = &table[i / 2]; /* it goes, and comes back */

			builder = profiles_builder_change(profiles, false);
			profiles_builder_remove(builder, row->id);
			row->exists = !row->exists;
			if (row->exists)
				add_row(builder, row);
			new = profiles_builder_finish(&builder, NULL);
			whole = build_all(false, NULL);
			check_same(new, whole);
			for (size_t k = 0; k < profiles_count(new); k++)
				left_out += !profiles_at(new, k)->tables_fit ||
					!profiles_at(new, k)->fits;
			profiles_unref(&whole);
			profiles_unref(&profiles);
			profiles = new;
		}
		ck_assert_uint_eq(left_out, steps / 2); /* one whenever all three exist */
		profiles_unref(&profiles);
		for (unsigned row = 0; row < 3; row++)
			free(texts[row]);
	}
END_TEST

/* A regex is left out for its cost whether or not the costs were known before. Elsewhere than in
 * the plain program, the profiles are too few for that. */
START_TEST(costs_that_are_known_do_not_change_what_fits)
	{
		enum { COUNT = 90, SIZE = 8 * sizeof(COSTLY "99$,") };
		const int count = (int)unit_times_plain(COUNT, COUNT / 6);
		const int from[] = { 0, 10, 0 }, to[] = { 10, count, count };
		enum { FEW, ALL, WHOLE, SETS };
		struct profiles *made[SETS] = { NULL };
		struct profiles_builder *builder;
		char id[12], text[SIZE];
		struct cell row[PROFILE_COLUMNS] = { [PROFILE_ID] = { CELL_NULL, NULL, 0 } };

		for (int set = FEW; set < SETS; set++) {
			builder = set == ALL ? profiles_builder_change(made[FEW], false) :
					       profiles_builder_new(false);
			for (int i = from[set]; i < to[set]; i++) {
				size_t len = 0;

				(void)snprintf(id, sizeof(id), "%d", i);
				for (int k = 0; k < 1 + i % 7; k++)
					len += (size_t)snprintf(text + len, SIZE - len,
						"%s" COSTLY "%d$", k > 0 ? "," : "", k);
				row[PROFILE_ID] = made_cell(id);
				row[PROFILE_RCPT_RE] = made_cell(text);
				ck_assert_int_eq(profiles_builder_add(builder, row), 1);
			}
			made[set] = profiles_builder_finish(&builder, NULL);
		}
		check_same(made[ALL], made[WHOLE]);
		ck_assert(profiles_at(made[FEW], 6)->fits);
		ck_assert_int_eq(profile_find_row(made[ALL], "6")->fits, count < COUNT);
		for (int set = FEW; set < SETS; set++)
			profiles_unref(&made[set]);
	}
END_TEST

/* ---- many problems ----------------------------------------------------------------- */

/* A set keeps some texts only. Once the first ones have been corrected, it says that it lacks those
 * of the others; until then, what it reports is complete. */
START_TEST(a_set_that_lacks_texts_of_problems_says_so)
	{
		enum { BAD_ITEMS = 60, ROWS = 40 };
		char id[8], hosts[BAD_ITEMS * 4 + 1] = "";
		struct cell row[PROFILE_COLUMNS] = { [PROFILE_NAME] = { CELL_NULL, NULL, 0 } };
		struct profiles_builder *builder = profiles_builder_new(false);
		struct profiles *profiles, *new;
		struct problems *problems;
		unsigned corrected = 0;

		for (int i = 0; i < BAD_ITEMS; i++)
			memcpy(hosts + i * 4, "a!b,", 5);
		row[PROFILE_HOST] = made_cell(hosts);
		for (int i = 0; i < ROWS; i++) {
			(void)snprintf(id, sizeof(id), "%d", i);
			row[PROFILE_ID] = made_cell(id);
			ck_assert_int_eq(profiles_builder_add(builder, row), 1);
		}
		profiles = profiles_builder_finish(&builder, NULL);
		while (profiles_can_change(profiles)) {
			problems = problems_new();
			problems_begin(problems);
			profiles_report(profiles, problems);
			ck_assert_uint_eq(problems_count(problems),
				(size_t)(ROWS - corrected) * BAD_ITEMS);
			ck_assert_uint_eq(problems_kept(problems), PROBLEMS_OF_SOURCE);
			problems_free(&problems);
			builder = profiles_builder_change(profiles, false);
			(void)snprintf(id, sizeof(id), "%u", corrected++);
			profiles_builder_remove(builder, id);
			new = profiles_builder_finish(&builder, NULL);
			profiles_unref(&profiles);
			profiles = new;
		}
		ck_assert_uint_eq(corrected, PROFILES_TEXTS / BAD_ITEMS);
		profiles_unref(&profiles);
	}
END_TEST

/* ---- sharing ----------------------------------------------------------------------- */

START_TEST(rows_that_did_not_change_are_shared)
	{
		struct profiles_builder *builder;
		struct profiles *profiles, *new;
		struct row row;
		size_t shared = 0;

		begin_table(3);
		for (unsigned i = 0; i < IDS; i++)
			table[i].exists = true;
		profiles = build_all(false, NULL);
		row = table[5];
		row.cells[PROFILE_DESC] = "other text";
		builder = profiles_builder_change(profiles, false);
		profiles_builder_remove(builder, row.id);
		add_row(builder, &row);
		profiles_builder_remove(builder, table[6].id);
		add_row(builder, &table[6]); /* as it was */
		new = profiles_builder_finish(&builder, NULL);
		for (unsigned i = 0; i < IDS; i++)
			shared += profile_find_row(new, table[i].id) ==
				profile_find_row(profiles, table[i].id);
		ck_assert_uint_eq(shared, IDS - 1);
		ck_assert(!profiles_same(profiles, new));
		profiles_unref(&profiles);
		profiles = build_all(false, new);
		ck_assert_ptr_eq(profile_find_row(new, table[6].id),
			profile_find_row(profiles, table[6].id));
		profiles_unref(&profiles);
		profiles_unref(&new);
	}
END_TEST

static void setup(void)
{
	enum { HOSTS = 200 };

	many_hosts = calloc(HOSTS, sizeof("bad host 1234,"));
	for (int i = 0; i < HOSTS; i++)
		(void)sprintf(many_hosts + strlen(many_hosts), "bad host %d,", i);
}

static void teardown(void)
{
	free(many_hosts);
}

static Suite *make_suite(void)
{
	Suite *suite = suite_create("profiles_change");
	TCase *tcase = tcase_create("profiles_change");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, changed_rows_make_the_set_that_all_rows_make, 0, 4);
	/* Each of its steps reads megabytes three times. */
	tcase_add_loop_test(tcase, what_fits_is_decided_again_when_other_rows_change, 0,
		(int)unit_times_plain(sizeof(bounds) / sizeof(*bounds), 0));
	tcase_add_test(tcase, costs_that_are_known_do_not_change_what_fits);
	tcase_add_test(tcase, a_set_that_lacks_texts_of_problems_says_so);
	tcase_add_test(tcase, rows_that_did_not_change_are_shared);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
