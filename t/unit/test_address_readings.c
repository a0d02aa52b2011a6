/*
 * Shows at which addresses an MTA may deliver mail for an address, which of them is counted, and
 * under which forms lists contain an address.
 */
#include "lib/match/address_readings.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "t/unit/unit.h"

static struct mail_address parsed(const char *typed)
{
	struct mail_address address;

	ck_assert_int_eq(address_parse(typed, strlen(typed), &address), 0);
	ck_assert_msg(!address.is_odd, "%s is odd", typed);
	return address;
}

/* The readings besides the address itself, in their order, and the one that is counted. */
static const struct {
	const char *typed, *readings, *innermost;
} cases[] = {
	/* One reading. */
	{ "all@corp.example", "", "all@corp.example" },
	{ "<>", "", "" },
	{ "all", "", "all" },
	{ "all@localhost", "", "all@localhost" },
	{ "all+x-y@corp.example", "", "all+x-y@corp.example" },
	{ "x..y@corp.example", "", "x..y@corp.example" },
	{ "\"a b\"@corp.example", "", "\"a b\"@corp.example" },
	{ "\"a\\\\b\"@corp.example", "", "\"a\\\\b\"@corp.example" },
	{ "<@x.example:all@corp.example>", "", "all@corp.example" },
	/* One step. */
	{ "all%corp.example@b.example", "all@corp.example", "all@corp.example" },
	{ "corp.example!all@b.example", "all@corp.example", "all@corp.example" },
	{ "all@corp.example@b.example", "all@corp.example", "all@corp.example" },
	{ "\"all@corp.example\"@b.example", "all@corp.example", "all@corp.example" },
	{ "\"all%corp.example\"@b.example", "all@corp.example", "all@corp.example" },
	{ "\"corp.example!all\"@b.example", "all@corp.example", "all@corp.example" },
	{ "\"\\all\\@corp.example\"@b.example", "all@corp.example", "all@corp.example" },
	{ "all%corp.example...@b.example", "all@corp.example", "all@corp.example" },
	{ "ALL%Corp.Example.@b.example", "all@corp.example", "all@corp.example" },
	{ "all%b\303\274cher.example@b.example", "all@xn--bcher-kva.example",
		"all@xn--bcher-kva.example" },
	{ "all%corp\343\200\202example@b.example", "all@corp.example", "all@corp.example" },
	{ "all+x%corp.example@b.example", "all+x@corp.example", "all+x@corp.example" },
	{ "no%reply@example.com", "no@reply", "no@reply" },
	{ "all%localhost@corp.example", "all@localhost", "all@localhost" },
	{ "x..y%corp.example@b.example", "\"x..y\"@corp.example", "\"x..y\"@corp.example" },
	/* The domain stays where none is given. */
	{ "100%@corp.example", "100@corp.example", "100@corp.example" },
	{ "hello!@corp.example", "\"\"@hello mailer-daemon@hello", "mailer-daemon@hello" },
	{ "!all@corp.example", "all@corp.example", "all@corp.example" },
	{ "\"all@\"@corp.example", "all@corp.example", "all@corp.example" },
	{ "all%@localhost", "all@localhost", "all@localhost" },
	{ "\"a% \"@corp.example", "a@corp.example", "a@corp.example" },
	/* Nested: until nothing is left. */
	{ "all%corp.example%localhost@b.example", "all%corp.example@localhost all@corp.example",
		"all@corp.example" },
	{ "c.example!b.example!all@d.example", "b.example!all@c.example all@b.example",
		"all@b.example" },
	{ "all@corp.example@b.example@c.example", "\"all@corp.example\"@b.example all@corp.example",
		"all@corp.example" },
	{ "\"all@corp.example@b.example\"@c.example",
		"\"all@corp.example\"@b.example all@corp.example", "all@corp.example" },
	{ "all%corp.example@b.example@c.example", "all%corp.example@b.example all@corp.example",
		"all@corp.example" },
	{ "all@corp.example%b.example@c.example", "\"all@corp.example\"@b.example all@corp.example",
		"all@corp.example" },
	/* Mixed: Postfix and Sendmail begin with !, and if they do not know it, with %. */
	{ "b.example!all%corp.example@d.example",
		"all%corp.example@b.example b.example!all@corp.example all@corp.example "
		"all@b.example",
		"all@corp.example" },
	{ "!def!xyz%abc@example.com",
		"def!xyz%abc@example.com !def!xyz@abc xyz%abc@def def!xyz@abc xyz@abc xyz@def",
		"xyz@abc" },
	{ "b.example!all@corp.example@d.example",
		"b.example!all@corp.example \"all@corp.example\"@b.example all@b.example "
		"all@corp.example",
		"all@b.example" },
	/* A piece that is no domain leads nowhere. */
	{ "50%off!@example.com", "", "50%off!@example.com" },
	/* Spaces around the pieces, quotes and backslashes within quotes, an empty local part. */
	{ "\"all@ corp.example \"@b.example", "all@corp.example", "all@corp.example" },
	{ "\"all @corp . example\"@b.example", "all@corp.example", "all@corp.example" },
	{ "\"corp.example! all \"@b.example", "all@corp.example", "all@corp.example" },
	{ "\"corp.example!a b\"@b.example", "\"a b\"@corp.example", "\"a b\"@corp.example" },
	{ "\"!corp.example!al l\"@b.example",
		"corp.example!all@b.example \"corp.example!al l\"@b.example all@corp.example "
		"\"al l\"@corp.example",
		"all@corp.example" },
	{ "\"! corp.example ! a l l\"@b.example",
		"corp.example!all@b.example \"corp.example ! a l l\"@b.example all@corp.example "
		"\"a l l\"@corp.example",
		"all@corp.example" },
	{ "\"100% sure\"@example.com", "100@sure", "100@sure" },
	{ "\"\\\\all\"@corp.example", "all@corp.example", "all@corp.example" },
	{ "\"\\\\\\\\all\"@corp.example", "\"\\\\all\"@corp.example all@corp.example",
		"all@corp.example" },
	{ "\"\\\"all\\\"\"@corp.example", "all@corp.example", "all@corp.example" },
	{ "\"all(\"@corp.example", "", "\"all(\"@corp.example" },
	/* Spaces that belong to the local part. */
	{ "\" all\"@corp.example", "", "\" all\"@corp.example" },
	{ "\"\\\"all \\\"\"@corp.example", "\"all \"@corp.example", "\"all \"@corp.example" },
	{ "\" \u017f\"@corp.example", "\" s\"@corp.example", "\" s\"@corp.example" },
	{ "\"all \"@[corp.example]", "\"all \"@corp.example", "\"all \"@corp.example" },
	{ "\"\"@corp.example", "mailer-daemon@corp.example", "mailer-daemon@corp.example" },
	/* A name in brackets: Sendmail sends mail to the host of this name. */
	{ "all@[corp.example]", "all@corp.example", "all@corp.example" },
	{ "all@[Corp.Example.]", "all@corp.example", "all@corp.example" },
	{ "\"a b\"@[corp.example]", "\"a b\"@corp.example", "\"a b\"@corp.example" },
	{ "b%corp.example@[x.example]", "b@corp.example b%corp.example@x.example",
		"b@corp.example" },
	{ "all@corp.example.UUCP", "all@corp.example", "all@corp.example" },
	{ "corp.example.uucp!all@b.example", "all@corp.example.uucp all@corp.example",
		"all@corp.example" },
	{ "all@uucp", "", "all@uucp" },
	/* Postfix folds the case of domains, too, before it compares them with its own. */
	{ "all@busine\u00df.example", "all@business.example", "all@xn--busine-gta.example" },
	{ "all@BU\u017fINE\u1e9e.example", "", "all@business.example" },
	{ "all%busine\u00df.example@b.example",
		"all@xn--busine-gta.example all%business.example@b.example all@business.example",
		"all@xn--busine-gta.example" },
	{ "\u017fales@busine\u00df.example",
		"sales@xn--busine-gta.example \u017fales@business.example sales@business.example",
		"sales@xn--busine-gta.example" },
	{ "all@xn--busine-gta.example", "", "all@xn--busine-gta.example" },
	{ "all@b\u00fccher.example", "", "all@xn--bcher-kva.example" },
	{ "all@[192.0.2.1]", "", "all@[192.0.2.1]" },
	{ "all@[IPv6:2001:db8::1]", "", "all@[2001:db8::1]" },
	{ "all@[IPv6:x]", "", "all@[ipv6:x]" },
	{ "%corp.example@b.example", "\"\"@corp.example mailer-daemon@corp.example",
		"mailer-daemon@corp.example" },
};

START_TEST(finds_each_reading_once)
	{
		const struct mail_address address = parsed(cases[_i].typed);
		struct address_readings readings;
		struct strbuf text = STRBUF_INIT;
		struct mail_address inner;
		size_t i;

		ck_assert(address_readings_find(&address, &readings));
		ck_assert(address_equal(&readings.at[0], &address));
		strbuf_add(&text, "", 0);
		for (i = 1; i < readings.count; i++) {
			const struct mail_address *a = &readings.at[i];

			strbuf_addf(&text, "%s%s", i > 1 ? " " : "", a->canon);
			ck_assert_uint_eq(strlen(a->canon), a->canon_len);
			ck_assert_int_eq(a->canon[a->local_len], '@');
			ck_assert_str_eq(address_domain(a), a->canon + a->local_len + 1);
		}
		ck_assert_str_eq(text.text, cases[_i].readings);
		address_innermost(&address, &inner);
		ck_assert_str_eq(inner.canon, cases[_i].innermost);
		strbuf_free(&text);
	}
END_TEST

/* Only an address with one reading, one form and a full domain name is simple. */
static const struct {
	const char *typed;
	bool is_simple, is_local;
} kinds[] = {
	{ "all@corp.example", true, false },
	{ "all+x@corp.example", true, false },
	{ "\"all\"@corp.example", true, false },
	{ "o'brien=x@corp.example", true, false },
	{ "all@local.host", true, false },
	{ "all@localhost1.example", true, false },
	{ "all@mylocalhost.example", true, false },
	{ "all@1.2.3.4.example", true, false },
	{ "all@corp.example4", true, false },
	{ "<>", true, true },
	{ "all", false, true },
	{ "all@corp", false, true },
	{ "all@localhost", false, true },
	{ "all@LocalHost.", false, true },
	{ "all@localhost.corp.example", false, true },
	{ "all@mx.localhost", false, true },
	{ "all@[192.0.2.1]", false, true },
	{ "all@[IPv6:::1]", false, true },
	{ "all@192.0.2.1", false, true },
	{ "all@127.1", false, true },
	{ "all@\302\255", false, true }, /* a soft hyphen: no domain */
	{ "x..y@corp.example", false, false },
	{ ".x@corp.example", false, false },
	{ "x.@corp.example", false, false },
	{ "x]@corp.example", false, false },
	{ "\"a b\"@corp.example", false, false },
	{ "a%b@corp.example", false, false },
	{ "b!a@corp.example", false, false },
	{ "a@b@corp.example", false, false },
};
START_TEST(knows_simple_and_local_addresses)
	{
		const struct mail_address address = parsed(kinds[_i].typed);

		ck_assert_int_eq(address.is_simple, kinds[_i].is_simple);
		ck_assert_int_eq(address_is_local(&address), kinds[_i].is_local);
	}
END_TEST

/* The forms, separated by spaces; - for one that does not exist. The last is that of counts. */
static const struct {
	const char *typed, *delimiters, *forms, *count;
} forms[] = {
	{ "all@corp.example", "+", "all@corp.example - - -", "all@corp.example" },
	{ "all+x@corp.example", "+", "all+x@corp.example - all@corp.example -",
		"all@corp.example" },
	{ "all+x@corp.example", "", "all+x@corp.example - - -", "all+x@corp.example" },
	{ "all+x-y@corp.example", "+-", "all+x-y@corp.example - all@corp.example -",
		"all@corp.example" },
	{ "all-x+y@corp.example", "+-", "all-x+y@corp.example - all@corp.example -",
		"all@corp.example" },
	{ "all-x+y@corp.example", "+", "all-x+y@corp.example - all-x@corp.example -",
		"all-x@corp.example" },
	{ "all+@corp.example", "+", "all+@corp.example - all@corp.example -", "all@corp.example" },
	{ "+all@corp.example", "+", "+all@corp.example - - -", "+all@corp.example" },
	{ "+all+x@corp.example", "+", "+all+x@corp.example - - -", "+all+x@corp.example" },
	{ "all+x", "+", "all+x - all -", "all" },
	{ "x..y@corp.example", "+", "x..y@corp.example \"x..y\"@corp.example - -",
		"\"x..y\"@corp.example" },
	{ "\"x..y\"@corp.example", "+", "\"x..y\"@corp.example x..y@corp.example - -",
		"\"x..y\"@corp.example" },
	{ "x..y+z@corp.example", "+",
		"x..y+z@corp.example \"x..y+z\"@corp.example \"x..y\"@corp.example "
		"x..y@corp.example",
		"\"x..y\"@corp.example" },
	{ "\"all+a..b\"@corp.example", "+",
		"\"all+a..b\"@corp.example all+a..b@corp.example all@corp.example -",
		"all@corp.example" },
	{ "a@b@corp.example", "+", "a@b@corp.example \"a@b\"@corp.example - -",
		"\"a@b\"@corp.example" },
	{ "postmaster+x@corp.example", "+", "postmaster+x@corp.example - postmaster@corp.example -",
		"postmaster@corp.example" },
	{ "double-bounce@corp.example", "-", "double-bounce@corp.example - - -",
		"double-bounce@corp.example" },
	{ "mailer-daemon@corp.example", "-", "mailer-daemon@corp.example - - -",
		"mailer-daemon@corp.example" },
	{ "owner-all@corp.example", "+-", "owner-all@corp.example - - -",
		"owner-all@corp.example" },
	{ "all-request@corp.example", "+-", "all-request@corp.example - - -",
		"all-request@corp.example" },
	{ "owner-all+x@corp.example", "+", "owner-all+x@corp.example - owner-all@corp.example -",
		"owner-all@corp.example" },
	{ "-request@corp.example", "-", "-request@corp.example - - -", "-request@corp.example" },
	/* The exception of owner-NAME and NAME-request concerns the - alone. */
	{ "all+x-request@corp.example", "+-", "all+x-request@corp.example - all@corp.example -",
		"all@corp.example" },
	{ "all-x+y-request@corp.example", "-+",
		"all-x+y-request@corp.example - all-x@corp.example -", "all-x@corp.example" },
	{ "owner-all+x@corp.example", "+-", "owner-all+x@corp.example - owner-all@corp.example -",
		"owner-all@corp.example" },
};
START_TEST(writes_each_form)
	{
		const struct mail_address address = parsed(forms[_i].typed);
		struct strbuf text = STRBUF_INIT;
		struct address_key key;
		unsigned form, count = 0;

		for (form = 0; form < ADDRESS_KEYS; form++) {
			bool exists = address_key(&address, forms[_i].delimiters, form, &key);

			strbuf_addf(&text, "%s%s", form > 0 ? " " : "", exists ? key.text : "-");
			ck_assert(!exists || strlen(key.text) == key.len);
			count += exists;
		}
		ck_assert_str_eq(text.text, forms[_i].forms);
		if (address_has_one_key(&address, forms[_i].delimiters))
			ck_assert_uint_eq(count, 1);
		address_count_key(&address, forms[_i].delimiters, &key);
		ck_assert_str_eq(key.text, forms[_i].count);
		strbuf_free(&text);
	}
END_TEST

/* The forms without what each delimiter alone begins, as above. */
static const struct {
	const char *typed, *delimiters, *forms;
} forms_of_each[] = {
	{ "all+x@corp.example", "+", "" },
	{ "all+x@corp.example", "", "" },
	{ "all@corp.example", "+-", "- - - -" },
	{ "all+x@corp.example", "+-", "all@corp.example - - -" },
	{ "all-x+y@corp.example", "+-", "all-x@corp.example - all@corp.example -" },
	{ "all-x+y@corp.example", "-=+", "all@corp.example - - - all-x@corp.example -" },
	{ "+all-x@corp.example", "+-", "- - +all@corp.example -" },
	{ "all-x+y-request@corp.example", "+-", "all-x@corp.example - - -" },
	{ "owner-all+x@corp.example", "+-", "owner-all@corp.example - - -" },
	{ "\"a b-x+y\"@corp.example", "+-",
		"\"a b-x\"@corp.example a b-x@corp.example \"a b\"@corp.example a b@corp.example" },
};
START_TEST(writes_the_forms_of_each_delimiter)
	{
		const struct mail_address address = parsed(forms_of_each[_i].typed);
		const char *delimiters = forms_of_each[_i].delimiters;
		struct strbuf text = STRBUF_INIT;
		struct address_key key;
		unsigned form, count = 0;

		for (form = ADDRESS_KEYS; form < address_all_keys(delimiters); form++) {
			bool exists = address_key(&address, delimiters, form, &key);

			strbuf_addf(&text, "%s%s", form > ADDRESS_KEYS ? " " : "",
				exists ? key.text : "-");
			count += exists;
		}
		ck_assert_str_eq(text.text == NULL ? "" : text.text, forms_of_each[_i].forms);
		if (address_has_one_key(&address, delimiters))
			ck_assert_uint_eq(count, 0);
		strbuf_free(&text);
	}
END_TEST

/* Repeat pieces before and after "a", and end with @d.example. */
static struct mail_address repeated(const char *before, const char *after, unsigned times)
{
	struct strbuf text = STRBUF_INIT;
	struct mail_address address;
	unsigned i;

	for (i = 0; i < times; i++)
		strbuf_add_str(&text, before);
	strbuf_add(&text, "a", 1);
	for (i = 0; i < times; i++)
		strbuf_add_str(&text, after);
	strbuf_add_str(&text, "@d.example");
	ck_assert_int_eq(address_parse(text.text, text.len, &address), 0);
	strbuf_free(&text);
	return address;
}

/* The number of readings is bounded, however the address nests, up to its longest. */
START_TEST(bounds_the_readings)
	{
		static const struct {
			const char *before, *after;
			unsigned most; /* times with at most ADDRESS_READINGS_MAX readings */
		} pieces[] = { { "", "%b", 15 }, { "b!", "", 15 }, { "", "@b", 15 },
			{ "", "!b%c", 240 }, { "b!", "%c", 2 } };
		struct address_readings readings;
		struct mail_address address, inner;
		unsigned most = pieces[_i].most;

		for (unsigned times = 1; times <= 240; times++) {
			address = repeated(pieces[_i].before, pieces[_i].after, times);
			ck_assert_msg(address_readings_find(&address, &readings) == (times <= most),
				"%u times %s and %s", times, pieces[_i].before, pieces[_i].after);
			address_innermost(&address, &inner);
			ck_assert_uint_lt(inner.canon_len, address.canon_len);
			if (times > most + 2)
				times += 50; /* enough of the others */
		}
	}
END_TEST

START_TEST(an_address_moves_to_another_domain)
	{
		struct mail_address address = parsed("\"x..y\"@[192.0.2.1]"), moved;

		ck_assert(address_at_domain(&address, "corp.example", &moved));
		ck_assert_str_eq(moved.canon, "\"x..y\"@corp.example");
		ck_assert(moved.has_domain && !moved.is_literal);
		address = parsed("all");
		ck_assert(address_at_domain(&address, "corp.example", &moved));
		ck_assert_str_eq(moved.canon, "all@corp.example");
	}
END_TEST

#define ROWS(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *make_suite(void)
{
	Suite *suite = suite_create("address_readings");
	TCase *tcase = tcase_create("address_readings");

	tcase_add_loop_test(tcase, finds_each_reading_once, 0, ROWS(cases));
	tcase_add_loop_test(tcase, knows_simple_and_local_addresses, 0, ROWS(kinds));
	tcase_add_loop_test(tcase, writes_each_form, 0, ROWS(forms));
	tcase_add_loop_test(tcase, writes_the_forms_of_each_delimiter, 0, ROWS(forms_of_each));
	tcase_add_loop_test(tcase, bounds_the_readings, 0, 5);
	tcase_add_test(tcase, an_address_moves_to_another_domain);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
