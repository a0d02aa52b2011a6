/*
 * Shows the order and the bounds of the repairs with a test of its own in the place of
 * entry_check.c's, and which entries are meant to allow. test_entry_check.c has the forms.
 */
#include "lib/rules/entry_repair.h"

#include <string.h>

#include "t/unit/unit.h"

/* The only right entry is the one that the context names. */
static bool is_wanted(const void *context, const char *text, size_t len)
{
	return strlen(context) == len && memcmp(context, text, len) == 0;
}

static const struct {
	enum entry_kind kind;
	const char *entry, *right, *proposed;
} rows[] = {
	{ ENTRY_CLIENT, "192.0.2.*", "192.0.2.0/24", "192.0.2.0/24" },
	{ ENTRY_CLIENT, "fe80::1%eth0", "fe80::1", "fe80::1" },
	{ ENTRY_CLIENT, "@b.example", "b.example", "b.example" },
	{ ENTRY_ADDRESS, "\"a@b.example\"", "a@b.example", "a@b.example" },
	{ ENTRY_ADDRESS, "<a@b.example>", "a@b.example", "a@b.example" },
	{ ENTRY_ADDRESS, "mailto:a@b.example", "a@b.example", "a@b.example" },
	{ ENTRY_ADDRESS, "*@b.example", "@b.example", "@b.example or .b.example" },
	{ ENTRY_ADDRESS, "b.example", "@b.example", "@b.example or .b.example" },
	{ ENTRY_ADDRESS, "@@b.example", "@b.example", "@b.example or .b.example" },
	{ ENTRY_ADDRESS, "a@b.example c@b.example", "a@b.example",
		"a@b.example, one entry per line" },
	{ ENTRY_ANY, "!http://b.example/x", "b.example", "!b.example" },
	{ ENTRY_ANY, "b.example:REJECT", "b.example", "b.example" },
	{ ENTRY_ANY, "192.0.2.7", "", "192.0.2.7 in connect.rdns_access.blacklist or .whitelist" },
	{ ENTRY_FROM, "alice", "", "alice@DOMAIN" },
	{ ENTRY_FROM, "alice@", "", "alice@DOMAIN" },
	{ ENTRY_HOST, "a@b.example", "", "a@b.example in rcpt" },
	{ ENTRY_RCPT, "@b.example", "", "b.example in host" },
	{ ENTRY_ADDRESS, "^a.*@b", "", "regexes in the file of the same name with _regex" },
	/* Several repairs of one entry, of which the first that suffices ends them. */
	{ ENTRY_ADDRESS, "'<mailto:a@b..example>'", "a@b.example", "a@b.example" },
	/* No repair makes an entry that passes the test. */
	{ ENTRY_ADDRESS, "a@b.example", "", "" },
	{ ENTRY_ADDRESS, "{a,c}@b.example", "{a@b.example", "" },
	{ ENTRY_ADDRESS, "", "", "" },
};
START_TEST(an_entry_is_repaired_until_it_passes_the_test)
	{
		struct strbuf out = STRBUF_INIT;

		strbuf_add_str(&out, "");
		entry_repair(rows[_i].kind, rows[_i].entry, strlen(rows[_i].entry), is_wanted,
			rows[_i].right, &out);
		ck_assert_str_eq(out.text, rows[_i].proposed);
		strbuf_free(&out);
	}
END_TEST

START_TEST(long_entries_and_nul_bytes_are_left_alone)
	{
		struct strbuf out = STRBUF_INIT;
		char text[1200];

		memset(text, 'a', sizeof(text));
		memcpy(text, "<a@b.example>", 13);
		entry_repair(ENTRY_ADDRESS, text, sizeof(text), is_wanted, "a@b.example", &out);
		entry_repair(ENTRY_ADDRESS, "<a@b.example>\0", 14, is_wanted, "a@b.example", &out);
		ck_assert_uint_eq(out.len, 0);
		strbuf_free(&out);
	}
END_TEST

static const struct {
	enum entry_kind kind;
	const char *entry;
	bool allows;
} allowed[] = {
	{ ENTRY_ANY, "!b.example", true },
	{ ENTRY_ANY, "b.example OK", true },
	{ ENTRY_ANY, "b.example:OK", true },
	{ ENTRY_ANY, "b.example REJECT", false },
	{ ENTRY_ANY, "b.example", false },
	{ ENTRY_ANY, "", false },
	{ ENTRY_ADDRESS, "!b.example", false },
};
START_TEST(an_entry_of_access_domains_may_allow)
	{
		ck_assert_int_eq(entry_repair_allows(allowed[_i].kind, allowed[_i].entry,
					 strlen(allowed[_i].entry)),
			allowed[_i].allows);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("entry_repair");
	TCase *tcase = tcase_create("entry_repair");

	tcase_add_loop_test(tcase, an_entry_is_repaired_until_it_passes_the_test, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_test(tcase, long_entries_and_nul_bytes_are_left_alone);
	tcase_add_loop_test(tcase, an_entry_of_access_domains_may_allow, 0,
		(int)(sizeof(allowed) / sizeof(allowed[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
