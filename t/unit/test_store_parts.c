/*
 * Shows that a store gives the same policy, with the same problems, in however many threads its
 * users are read. test_store_hand.c shows it of random stores of other programs.
 */
#include "lib/store/store_parts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/store/store_format.h"
#include "lib/store/store_read.h"
#include "lib/store/store_write.h"
#include "t/unit/lib/store_ways.h"
#include "t/unit/unit.h"

#define USERS 40

static struct problems *problems;
static struct errmsg err;
static struct store store;
static struct strbuf text;

static void teardown(void)
{
	store_clear(&store);
	problems_free(&problems);
	strbuf_free(&text);
}

static enum store_result read_parts(unsigned parts, struct journal_text *journal)
{
	struct store_source source = { .parts = parts };

	store_clear(&store);
	problems_free(&problems);
	source.problems = problems = problems_new();
	return store_parse("s", text.text, text.len, journal, &source, &store, &err);
}

/* Replace the text by that which store_write() makes of it. */
static void write_by_machine(void)
{
	char path[] = "/tmp/test_store_parts.XXXXXX", *written;
	const int fd = mkstemp(path);
	size_t len;

	ck_assert_int_ge(fd, 0);
	(void)close(fd);
	ck_assert_int_eq(read_parts(1, NULL), STORE_READ);
	ck_assert_int_eq(store_write(path, &store, NULL, NULL, &err), 0);
	ck_assert_int_eq(file_read(path, 1 << 20, &written, &len, NULL, &err), FILE_READ);
	strbuf_reset(&text);
	strbuf_add(&text, written, len);
	free(written);
	(void)unlink(path);
}

static void make_users(unsigned count)
{
	strbuf_add_str(&text, "{\"format\":\"postern-store-1\",\"users\":[");
	for (unsigned i = 0; i < count; i++)
		strbuf_addf(&text, "%s{\"id\":%u,\"username\":\"user%u\",\"froms\":\"u%u@x.org\"}",
			i > 0 ? "," : "", i, i, i);
	strbuf_add_str(&text, "]}");
}

static void set_checksum(void)
{
	struct store_checksum *checksum = store_checksum_new();
	char *last = strstr(text.text, STORE_CHECKSUM) + strlen(STORE_CHECKSUM),
	     hex[STORE_CHECKSUM_SIZE];

	ck_assert_int_eq(store_checksum_add(checksum, text.text,
				 (size_t)(last - strlen(STORE_CHECKSUM) - text.text)),
		0);
	ck_assert_int_eq(store_checksum_end(checksum, hex), 0);
	memcpy(last, hex, STORE_CHECKSUM_SIZE - 1);
	store_checksum_free(&checksum);
}

/* Replace one text by another one of the same length, where it occurs. */
static void replace(const char *old, const char *new)
{
	char *at = text.text;

	ck_assert_uint_eq(strlen(old), strlen(new));
	while ((at = strstr(at, old)) != NULL)
		memcpy(at, new, strlen(new));
}

START_TEST(all_rows_of_all_parts_are_in_force)
	{
		const unsigned parts = (unsigned)_i;
		struct user user;
		char name[16];

		make_users(USERS);
		write_by_machine();
		ck_assert_int_eq(read_parts(parts, NULL), STORE_READ);
		ck_assert(store.is_machine);
		ck_assert_uint_eq(users_count(store.users), USERS);
		ck_assert_uint_eq(problems_count(problems), 0);
		for (unsigned i = 0; i < USERS; i++) {
			(void)snprintf(name, sizeof(name), "user%u", i);
			ck_assert(users_find(store.users, name, strlen(name), &user));
		}
	}
END_TEST

START_TEST(there_may_be_fewer_rows_than_parts)
	{
		make_users((unsigned)_i);
		write_by_machine();
		ck_assert_ptr_null(store_ways_differ(text.text, text.len));
		ck_assert_int_eq(read_parts(PARALLEL_MAX, NULL), STORE_READ);
		ck_assert_uint_eq(users_count(store.users), (unsigned)_i);
	}
END_TEST

/* More parts than bytes, which somebody wrote and then made the checksum for. */
START_TEST(few_bytes_are_read)
	{
		static const char begin[] = "\"users\":[\n", end[] = "\n],\n\"checksum";
		struct strbuf written;
		char *rows;

		make_users(1);
		write_by_machine();
		written = text;
		text = (struct strbuf)STRBUF_INIT;
		rows = strstr(written.text, begin) + strlen(begin);
		strbuf_add(&text, written.text, (size_t)(rows - written.text));
		strbuf_add_str(&text, "7");
		strbuf_add_str(&text, strstr(rows, end));
		strbuf_free(&written);
		set_checksum();
		ck_assert_int_eq(read_parts((unsigned)_i, NULL), STORE_READ);
		ck_assert_uint_eq(problems_count(problems), 1);
	}
END_TEST

static const struct {
	const char *old, *new;
} spoilt[] = {
	{ "\"id\":7,\"username\"", "\"id\":7;\"username\"" }, /* no JSON */
	{ "\"id\":7,\"username\"", "\"id\":.,\"username\"" },
	{ "\"user20\"", "\"user2\t\"" },
	{ "\"user20\"", "\"user2\xff\"" },
	{ "\"user20\"", "\"USER2\" " }, /* two rows with one name, in two parts */
	{ "\"user3\"", "\"user4\"" },
	{ "\"froms\"", "\"frons\"" }, /* an unknown column of each row */
	{ "\"id\":33,", "\"ix\":33," },
	{ "\"id\":33,", "\"id\":3.," },
	{ "\"id\":33,", "\"id\":{}," },
	{ "x.org\"]},\n{\"id\":25,", "x.g\"]}\n],\n{\"id\":25," }, /* the table ends too early */
	{ "\n],\n\"checksum", "\n] \n\"checksum" },		   /* and never */
	{ "\"users\":[", "\"uzers\":[" },
	{ "{\"id\":12,", "[\"id\":12," },
	{ "u12@x.org", "u12@x..rg" },
};
START_TEST(errors_and_problems_are_the_same_in_parts)
	{
		const char *difference;

		make_users(USERS);
		write_by_machine();
		replace(spoilt[_i].old, spoilt[_i].new);
		difference = store_ways_differ(text.text, text.len);
		if (difference != NULL)
			ck_abort_msg("altered: %s", difference);
		ck_assert_int_eq(read_parts(3, NULL), STORE_REFUSED);
		ck_assert_ptr_nonnull(strstr(err.text, "altered"));
		ck_assert_uint_eq(problems_count(problems), 0);
		set_checksum();
		difference = store_ways_differ(text.text, text.len);
		if (difference != NULL)
			ck_abort_msg("%s", difference);
		/* Each of them is reported. */
		ck_assert(read_parts(3, NULL) == STORE_REFUSED || problems_count(problems) > 0);
	}
END_TEST

START_TEST(a_journal_replaces_rows_of_all_parts)
	{
		static const char lines[] =
			"-users {\"username\":\"user0\"}\n-users {\"username\":\"user39\"}\n"
			"users {\"id\":20,\"username\":\"USER20\",\"enabled\":false}\n"
			"users {\"id\":50,\"username\":\"user50\"}\n"
			"state {\"revision\":\"r\",\"written\":\"2026-01-31T23:59:59Z\"}\n";
		const unsigned parts = (unsigned)_i;
		struct strbuf framed = STRBUF_INIT;
		struct journal_text journal = { .path = "s.journal" };
		struct journal_end end = { 0 };
		struct user user;

		make_users(USERS);
		write_by_machine();
		ck_assert_int_eq(read_parts(parts, NULL), STORE_READ);
		journal_frame(&framed, &end, store.base.checksum, lines, strlen(lines));
		journal.text = framed.text;
		journal.len = framed.len;
		ck_assert_int_eq(read_parts(parts, &journal), STORE_READ);
		ck_assert_uint_eq(problems_count(problems), 0);
		ck_assert_uint_eq(users_count(store.users), USERS - 1);
		ck_assert(!users_find(store.users, "user0", 5, &user));
		ck_assert(!users_find(store.users, "user39", 6, &user));
		ck_assert(users_find(store.users, "user50", 6, &user));
		ck_assert(users_find(store.users, "user20", 6, &user) && !user.enabled);
		strbuf_free(&framed);
	}
END_TEST

/* The domains of all parts together are more than may be converted; those of each part are not. */
START_TEST(a_bound_on_all_rows_holds_in_parts)
	{
		struct user user;

		strbuf_add_str(&text, "{\"format\":\"postern-store-1\",\"users\":[");
		for (unsigned i = 0; i < 12; i++) {
			strbuf_addf(&text, "{\"id\":%u,\"username\":\"user%u\",\"froms\":\"a@", i,
				i);
			for (unsigned k = 0; k < (96 << 10); k++)
				strbuf_add_char(&text, 'x');
			strbuf_add_str(&text, "\xc3\xa9\"},");
		}
		strbuf_add_str(&text,
			"{\"id\":99,\"username\":\"last\",\"froms\":\"a@caf\xc3\xa9.example\"}]}");
		for (unsigned parts = 1; parts <= 3; parts += 2) {
			ck_assert_int_eq(read_parts(parts, NULL), STORE_READ);
			ck_assert(users_find(store.users, "last", 4, &user));
			ck_assert_uint_eq(user.froms_len, 0);
			ck_assert_uint_eq(problems_count(problems), 13);
			ck_assert_uint_eq(users_count(store.users), 13);
		}
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("store_parts");
	TCase *tcase = tcase_create("store_parts");

	tcase_add_checked_fixture(tcase, NULL, teardown);
	tcase_add_loop_test(tcase, all_rows_of_all_parts_are_in_force, 1, PARALLEL_MAX + 1);
	tcase_add_loop_test(tcase, there_may_be_fewer_rows_than_parts, 0, 4);
	tcase_add_loop_test(tcase, few_bytes_are_read, 1, PARALLEL_MAX + 1);
	tcase_add_loop_test(tcase, errors_and_problems_are_the_same_in_parts, 0,
		sizeof(spoilt) / sizeof(spoilt[0]));
	tcase_add_loop_test(tcase, a_journal_replaces_rows_of_all_parts, 1, PARALLEL_MAX + 1);
	tcase_add_test(tcase, a_bound_on_all_rows_holds_in_parts);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
