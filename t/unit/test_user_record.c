/*
 * Shows how rows become users, which rows are left
 * out, and the canonical form of froms.
 */
#include "lib/rules/user_record.h"

#include <stdio.h>
#include <string.h>

#include "lib/rules/entry_check.h"
#include "t/unit/lib/made_policy.h"
#include "t/unit/unit.h"

static struct made m;

static void setup(void)
{
	made_begin(&m);
}

static void teardown(void)
{
	made_end(&m);
}

/* Return the froms, separated by spaces. */
static const char *froms_of(const struct user *user)
{
	static char text[4096];
	const char *entry = NULL;

	text[0] = '\0';
	while ((entry = user_next_from(user, entry)) != NULL) {
		strcat(text, text[0] ? " " : "");
		strcat(text, entry);
	}
	return text;
}

START_TEST(a_row_comes_back_as_it_was)
	{
		struct made_user row = { "17", "Bob.Smith", "$6$x$y", "a@b.example,@c.example", "3",
			NULL };
		struct users *users;
		struct user user;

		ck_assert_int_eq(made_user(&m, &row), 1);
		users = made_users(&m, NULL);
		ck_assert_uint_eq(users_count(users), 1);
		ck_assert(users_find(users, "bOB.sMITH", 9, &user));
		ck_assert_str_eq(user.id, "17");
		ck_assert_str_eq(user.name, "Bob.Smith");
		ck_assert_str_eq(user.password, "$6$x$y");
		ck_assert_str_eq(user.profile_id, "3");
		ck_assert_str_eq(froms_of(&user), "a@b.example @c.example");
		ck_assert(user.enabled && user.has_froms);
		ck_assert(!users_find(users, "bob.smit", 8, &user));
		ck_assert(!users_find(users, "bob.smith2", 10, &user));
		ck_assert(!users_find(users, "", 0, &user));
		ck_assert_uint_eq(problems_count(m.problems), 0);
		users_unref(&users);
		ck_assert_ptr_null(users);
	}
END_TEST

START_TEST(nulls_are_empty)
	{
		struct made_user row = { .name = "bob" };
		struct users *users;
		struct user user;

		ck_assert_int_eq(made_user(&m, &row), 1);
		users = made_users(&m, NULL);
		ck_assert(users_find(users, "bob", 3, &user));
		ck_assert_str_eq(user.id, "");
		ck_assert_str_eq(user.password, "");
		ck_assert_str_eq(user.profile_id, "");
		ck_assert(user.enabled && !user.has_froms);
		ck_assert_ptr_null(user_next_from(&user, NULL));
		users_unref(&users);
	}
END_TEST

static char long_name[514], long_value[70000];

static const struct {
	struct made_user row;
	const char *problem;
} left_out[] = {
	{ { "1", NULL, NULL, NULL, NULL, NULL },
		"users id 1 (NULL): a user needs a username; left out" },
	{ { "1", "", NULL, NULL, NULL, NULL }, "users id 1 (): a user needs a username; left out" },
	{ { NULL, "a\nb", NULL, NULL, NULL, NULL },
		"users id NULL (a\nb): the username contains a control character; left out" },
	{ { "1", "a\x7f", NULL, NULL, NULL, NULL },
		"users id 1 (a\x7f): the username contains a control character; left out" },
	{ { "1", "token:a@b.example", NULL, NULL, NULL, NULL },
		"users id 1 (token:a@b.example): no username may begin with token:; left out" },
	{ { "1", "TOKEN:x", NULL, NULL, NULL, NULL },
		"users id 1 (TOKEN:x): no username may begin with token:; left out" },
	{ { "1", long_name, NULL, NULL, NULL, NULL },
		"the username is longer than 512 bytes; left out" },
};
START_TEST(a_bad_row_is_reported_and_left_out)
	{
		static const struct made_user good = { .id = "2", .name = "alice" };
		struct users *users;

		memset(long_name, 'n', sizeof(long_name) - 1);
		memset(long_value, 'v', sizeof(long_value) - 1);
		ck_assert_int_eq(made_user(&m, &left_out[_i].row), 0);
		ck_assert_int_eq(made_user(&m, &good), 1);
		users = made_users(&m, NULL);
		ck_assert_uint_eq(users_count(users), 1);
		ck_assert_uint_eq(problems_count(m.problems), 1);
		ck_assert_ptr_nonnull(strstr(problems_text(m.problems, 0), left_out[_i].problem));
		users_unref(&users);
	}
END_TEST

static const struct {
	struct made_user row;
	const char *problem;
} switched_off[] = {
	{ { "1", "bob", NULL, NULL, NULL, "maybe" },
		"users id 1 (bob): enabled is neither true nor false; the user is switched off" },
	{ { "1", "bob", NULL, NULL, NULL, "" },
		"users id 1 (bob): enabled is neither true nor false; the user is switched off" },
	{ { "1", "bob", long_value, NULL, NULL, NULL },
		"users id 1 (bob): a value is too long or contains a NUL byte; the user is switched off" },
	{ { "1", "bob", NULL, NULL, long_value, NULL },
		"users id 1 (bob): a value is too long or contains a NUL byte; the user is switched off" },
};
/* If the row were left out, `unknown_user = accept` would allow the user everything. */
START_TEST(a_row_that_cannot_be_read_switches_its_user_off)
	{
		struct users *users;
		struct user user;

		memset(long_value, 'v', sizeof(long_value) - 1);
		ck_assert_int_eq(made_user(&m, &switched_off[_i].row), 1);
		users = made_users(&m, NULL);
		ck_assert_uint_eq(problems_count(m.problems), 1);
		ck_assert_str_eq(problems_text(m.problems, 0), switched_off[_i].problem);
		ck_assert(users_find(users, "bob", 3, &user));
		ck_assert(!user.enabled);
		ck_assert_str_eq(user.password, "");
		users_unref(&users);
	}
END_TEST

static const struct {
	const char *name;
	bool is_reported;
} spaced[] = { { "bob ", true }, { " bob", true }, { " ", true }, { "bob smith", false } };
/* Such as those of a column of type char(n). */
START_TEST(a_space_at_an_end_of_a_name_is_reported_and_kept)
	{
		struct made_user row = { .id = "1", .name = spaced[_i].name };
		struct users *users;
		struct user user;

		ck_assert_int_eq(made_user(&m, &row), 1);
		users = made_users(&m, NULL);
		ck_assert(users_find(users, spaced[_i].name, strlen(spaced[_i].name), &user));
		ck_assert_uint_eq(problems_count(m.problems), spaced[_i].is_reported ? 1 : 0);
		if (spaced[_i].is_reported)
			ck_assert_ptr_nonnull(strstr(problems_text(m.problems, 0),
				"): the username begins or ends with a space"));
		users_unref(&users);
	}
END_TEST

static const struct {
	const char *name, *hidden; /* NULL: none */
} pasted[] = {
	{ "bob\u200b", "the invisible character U+200B" },
	{ "\ufeffbob", "the invisible character U+FEFF" },
	{ "bob\u00a0", "the white space U+00A0" },
	{ "b\u00adob", "the invisible character U+00AD" },
	{ "j\u00f6rg", NULL },
	{ "\u0645\u06cc\u200c\u062e", NULL },
};
/* A name that was pasted from a web page may contain such characters. */
START_TEST(a_hidden_character_of_a_name_is_reported)
	{
		struct made_user row = { .id = "1", .name = pasted[_i].name };
		char want[100];

		ck_assert_int_eq(made_user(&m, &row), 1);
		ck_assert_uint_eq(problems_count(m.problems), pasted[_i].hidden != NULL);
		(void)snprintf(want, sizeof(want), "): the username contains %s, which",
			pasted[_i].hidden);
		if (pasted[_i].hidden != NULL)
			ck_assert_ptr_nonnull(strstr(problems_text(m.problems, 0), want));
	}
END_TEST

START_TEST(a_name_of_512_bytes_is_taken)
	{
		struct made_user row = { .id = "1", .name = long_name };
		struct users *users;
		struct user user;

		memset(long_name, 'N', 512);
		long_name[512] = '\0';
		ck_assert_int_eq(made_user(&m, &row), 1);
		users = made_users(&m, NULL);
		ck_assert(users_find(users, long_name, 512, &user));
		ck_assert(!users_find(users, long_name, 511, &user));
		ck_assert(!users_find(users, long_name, 513, &user));
		users_unref(&users);
	}
END_TEST

START_TEST(nul_bytes_and_lists_are_no_single_values)
	{
		struct cell row[USER_COLUMNS] = { [USER_NAME] = { CELL_TEXT, "bob", 3 },
			[USER_PASSWORD] = { CELL_TEXT, "a\0b", 3 } };

		ck_assert_int_eq(users_builder_add(m.users, row, m.problems), 1);
		ck_assert_str_eq(problems_text(m.problems, 0),
			"users id NULL (bob): a value is too long or contains a NUL byte; the user is switched off");
		row[USER_PASSWORD] = (struct cell){ CELL_LIST, "a\0", 2 };
		ck_assert_int_eq(users_builder_add(m.users, row, m.problems), 1);
		ck_assert_str_eq(problems_text(m.problems, 1),
			"users id NULL (bob): a list in place of one value; the user is switched off");
		row[USER_NAME] = (struct cell){ CELL_LIST, "bob\0", 4 };
		ck_assert_int_eq(users_builder_add(m.users, row, m.problems), 0);
		ck_assert_str_eq(problems_text(m.problems, 2),
			"users id NULL (NULL): a user needs a username; left out");
		row[USER_NAME] = (struct cell){ CELL_TEXT, "a\0b", 3 };
		ck_assert_int_eq(users_builder_add(m.users, row, m.problems), 0);
		ck_assert_uint_eq(problems_count(m.problems), 4);
	}
END_TEST

static const struct {
	const char *froms, *want;
	bool has_froms;
	const char *bad; /* the entry that is left out, with its number */
} froms[] = {
	{ NULL, "", false, NULL },
	{ "", "", false, NULL },
	{ " , ,", "", false, NULL },
	{ "a@b.example", "a@b.example", true, NULL },
	{ " A@B.Example , c@d.example.,", "a@b.example c@d.example", true, NULL },
	{ "@B.Example.", "@b.example", true, NULL },
	{ ".B.Example", ".b.example", true, NULL },
	{ "*", "*", true, NULL },
	{ "\"a\"@b.example", "", true, "froms[1]: \"\"a\"@b.example\"" },
	{ "\"a b\"@c.example", "\"a b\"@c.example", true, NULL },
	{ "a@b\xc3\xbc"
	  "cher.example",
		"a@xn--bcher-kva.example", true, NULL },
	{ "a@[192.0.2.1]", "a@[192.0.2.1]", true, NULL },
	{ "a@b.example,nonsense here,c@d.example", "a@b.example c@d.example", true,
		"froms[2]: \"nonsense here\"" },
	{ "<a@b.example>", "", true, "froms[1]: \"<a@b.example>\"" },
	{ "Foo <a@b.example>", "", true, "froms[1]: \"Foo <a@b.example>\"" },
	{ "a@", "", true, "froms[1]: \"a@\"" },
	{ "@", "", true, "froms[1]: \"@\"" },
	{ ".", "", true, "froms[1]: \".\"" },
	{ "@a@b.example", "", true, "froms[1]: \"@a@b.example\"" },
	{ ".a@b.example", "", true, "froms[1]: \".a@b.example\"" },
	{ "a@b@c.example", "", true, "froms[1]: \"a@b@c.example\"" },
	{ "**", "", true, "froms[1]: \"**\" is not a wildcard here" },
	{ "bob", "", true, "froms[1]: \"bob\" has no domain; write bob@DOMAIN" },
	{ "postmaster", "postmaster", true, NULL },
	{ "*@b.example", "", true, "froms[1]: \"*@b.example\" has * before its @" },
	{ "b.example", "", true, "froms[1]: \"b.example\" has no domain; write @b.example" },
	{ "a\x01@b.example", "", true, "froms[1]: " },
};
START_TEST(froms_are_taken_in_canonical_form)
	{
		struct made_user row = { .id = "1", .name = "bob", .froms = froms[_i].froms };
		struct users *users;
		struct user user;

		ck_assert_int_eq(made_user(&m, &row), 1);
		users = made_users(&m, NULL);
		ck_assert(users_find(users, "bob", 3, &user));
		ck_assert_str_eq(froms_of(&user), froms[_i].want);
		ck_assert_int_eq(user.has_froms, froms[_i].has_froms);
		ck_assert_uint_eq(problems_count(m.problems), froms[_i].bad != NULL);
		if (froms[_i].bad != NULL) {
			const char *text = problems_text(m.problems, 0);

			ck_assert_ptr_eq(strstr(text, "users id 1 (bob): "), text);
			ck_assert_ptr_nonnull(strstr(text, froms[_i].bad));
			ck_assert_str_eq(text + strlen(text) - 10, "; left out");
		}
		users_unref(&users);
	}
END_TEST

START_TEST(froms_may_be_a_list)
	{
		static const char list[] = "a@b.example\0\"x,y\"@b.example\0";
		struct cell row[USER_COLUMNS] = { [USER_NAME] = { CELL_TEXT, "bob", 3 },
			[USER_FROMS] = { CELL_LIST, list, sizeof(list) - 1 } };
		struct users *users;
		struct user user;

		ck_assert_int_eq(users_builder_add(m.users, row, m.problems), 1);
		users = made_users(&m, NULL);
		ck_assert(users_find(users, "bob", 3, &user));
		ck_assert_str_eq(froms_of(&user), "a@b.example \"x,y\"@b.example");
		users_unref(&users);
	}
END_TEST

static const struct {
	const char *enabled;
	bool want;
} enabled[] = { { NULL, true }, { "t", true }, { "true", true }, { "f", false }, { "false", false },
	{ "no", false }, { "0", false } };
START_TEST(enabled_is_a_boolean)
	{
		struct made_user row = { .id = "1", .name = "bob", .enabled = enabled[_i].enabled };
		struct users *users;
		struct user user;

		ck_assert_int_eq(made_user(&m, &row), 1);
		users = made_users(&m, NULL);
		ck_assert(users_find(users, "bob", 3, &user));
		ck_assert_int_eq(user.enabled, enabled[_i].want);
		users_unref(&users);
	}
END_TEST

static int refuse_xs(const char *hash, struct errmsg *err)
{
	return hash[0] == 'x' ? errmsg_set(err, "begins with x") : 0;
}

START_TEST(an_unusable_password_is_reported_and_the_row_stays)
	{
		struct made_user row = { .id = "1", .name = "bob", .password = "xyz" };
		struct users *users;

		users_builder_test_passwords(m.users, refuse_xs);
		ck_assert_int_eq(made_user(&m, &row), 1);
		row = (struct made_user){ .id = "2", .name = "alice", .password = "yz" };
		ck_assert_int_eq(made_user(&m, &row), 1);
		row = (struct made_user){ .id = "3", .name = "carol" };
		ck_assert_int_eq(made_user(&m, &row), 1);
		users = made_users(&m, NULL);
		ck_assert_uint_eq(users_count(users), 3);
		ck_assert_uint_eq(problems_count(m.problems), 1);
		ck_assert_str_eq(problems_text(m.problems, 0),
			"users id 1 (bob): password: begins with x; it allows no login");
		users_unref(&users);
	}
END_TEST

/*
 * Plain addresses take a faster path. All words of seven characters from a small alphabet have the
 * same canonical form as address_parse() gives them, and a note if entry_is_doubtful() has one.
 */
START_TEST(plain_addresses_are_their_own_canonical_form)
	{
		static const char letters[] = "a1.-@_A";
		char item[8] = "";
		struct mail_address address;
		struct made_user row = { .id = "1", .name = "u", .froms = item };
		const unsigned step = unit_times_or(101, 1009);
		unsigned number, rest, i;
		struct errmsg note;
		struct users *users;
		struct user user;
		size_t notes;

		for (number = 0; number < 7 * 7 * 7 * 7 * 7 * 7 * 7; number += step) {
			for (rest = number, i = 0; i < 7; i++, rest /= 7)
				item[i] = letters[rest % 7];
			if (strchr(item, '@') == NULL)
				continue;
			notes = problems_level_count(m.problems, PROBLEM_NOTE);
			ck_assert_int_eq(made_user(&m, &row), 1);
			notes = problems_level_count(m.problems, PROBLEM_NOTE) - notes;
			users = made_users(&m, NULL);
			ck_assert(users_find(users, "u", 1, &user));
			ck_assert_uint_eq(notes,
				user.froms_len > 0 &&
					entry_is_doubtful(ENTRY_FROM, item, 7, &note));
			if (user.froms_len > 0 && item[0] != '@' && item[0] != '.') {
				ck_assert_int_eq(address_parse(item, 7, &address), 0);
				ck_assert_str_eq(user.froms, address.canon);
				ck_assert(address.has_domain && !address.is_odd &&
					!address.is_routed);
			}
			users_unref(&users);
		}
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* Long froms would delay each load, and each MAIL of the user. */
START_TEST(froms_have_a_bound)
	{
		static char text[USER_FROMS_MAX + 2] = "own@b.example";
		struct made_user row = { .id = "1", .name = "bob", .froms = text };
		struct made_user longer = { .id = "2", .name = "eve", .froms = text };
		struct users *users;
		struct user user;

		memset(text + strlen(text), ',', USER_FROMS_MAX - strlen(text));
		ck_assert_int_eq(made_user(&m, &row), 1);
		text[USER_FROMS_MAX] = ',';
		ck_assert_int_eq(made_user(&m, &longer), 1);
		users = made_users(&m, NULL);
		ck_assert(users_find(users, "bob", 3, &user));
		ck_assert_str_eq(froms_of(&user), "own@b.example");
		ck_assert(users_find(users, "eve", 3, &user));
		ck_assert(user.enabled && user.has_froms);
		ck_assert_str_eq(froms_of(&user), "");
		ck_assert_uint_eq(problems_count(m.problems), 1);
		ck_assert_str_eq(problems_text(m.problems, 0),
			"users id 2 (eve): froms has 262145 bytes, and may have up to 256 KiB; "
			"write @domain for all addresses of a domain; all of it is left out");
		users_unref(&users);
	}
END_TEST

/* The local parts of froms do not count, nor do the domains that are written in ASCII. */
START_TEST(the_domains_of_all_froms_have_a_bound)
	{
		static char name[8], local[USER_FROMS_MAX + 1], domain[USER_FROMS_MAX + 1];
		static const char last[] = "a@\xc3\xa9.example,a@xn--9ca.example";
		struct made_user row = { .id = "1", .name = name };
		struct users *users;
		struct user user;

		for (size_t i = 0; i < USER_FROMS_MAX; i += 2) {
			memcpy(local + i, "\xc3\xa9", 2);
			memcpy(domain + i, "\xc3\xa9", 2);
		}
		memcpy(local + USER_FROMS_MAX - 2, "@b", 2);
		for (int i = 0; i < 6; i++) {
			(void)snprintf(name, sizeof(name), "n%d", i);
			row.froms = i < 1 ? local : i < 5 ? domain : last;
			ck_assert_int_eq(made_user(&m, &row), 1);
		}
		users = made_users(&m, NULL);
		ck_assert(users_find(users, "n5", 2, &user));
		ck_assert_str_eq(froms_of(&user), "a@xn--9ca.example");
		ck_assert_uint_eq(problems_count(m.problems), 6);
		ck_assert_str_eq(problems_text(m.problems, 5),
			"users id 1 (n5): froms[1]: the domains of all users with characters outside "
			"of ASCII may have up to 1 MiB, which earlier rows use up; write this one in "
			"its ASCII form (xn--); left out");
		users_unref(&users);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("user_record");
	TCase *tcase = tcase_create("user_record");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, a_row_comes_back_as_it_was);
	tcase_add_test(tcase, nulls_are_empty);
	tcase_add_loop_test(tcase, a_bad_row_is_reported_and_left_out, 0, ROWS(left_out));
	tcase_add_loop_test(tcase, a_row_that_cannot_be_read_switches_its_user_off, 0,
		ROWS(switched_off));
	tcase_add_loop_test(tcase, a_space_at_an_end_of_a_name_is_reported_and_kept, 0,
		ROWS(spaced));
	tcase_add_loop_test(tcase, a_hidden_character_of_a_name_is_reported, 0, ROWS(pasted));
	tcase_add_test(tcase, a_name_of_512_bytes_is_taken);
	tcase_add_test(tcase, nul_bytes_and_lists_are_no_single_values);
	tcase_add_loop_test(tcase, froms_are_taken_in_canonical_form, 0, ROWS(froms));
	tcase_add_test(tcase, plain_addresses_are_their_own_canonical_form);
	tcase_add_test(tcase, froms_may_be_a_list);
	tcase_add_test(tcase, froms_have_a_bound);
	tcase_add_test(tcase, the_domains_of_all_froms_have_a_bound);
	tcase_add_loop_test(tcase, enabled_is_a_boolean, 0, ROWS(enabled));
	tcase_add_test(tcase, an_unusable_password_is_reported_and_the_row_stays);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
