/*
 * Shows the canonical form of names, its bounds, and the
 * walk from a name to the domains above it.
 */
#include "lib/match/domain.h"

#include <string.h>

#include "t/unit/unit.h"

static const struct {
	const char *name, *want;
} cases[] = {
	{ "", "" },
	{ "example.com", "example.com" },
	{ "Mail.EXAMPLE.Com", "mail.example.com" },
	{ "example.com.", "example.com" },
	{ "example.com..", "example.com." },
	{ ".", "." },
	{ "localhost.", "localhost" },
	{ ".example.com", ".example.com" },
	{ "a..example.com", "a..example.com" },
	{ "under_score.example.com", "under_score.example.com" },
	{ "[192.0.2.1]", "[192.0.2.1]" },
	{ "a b/c@d\x01", "a b/c@d\x01" },

	/* IDNA 2008, non-transitional, with UTS 46 mapping: both forms of a name become one. */
	{ "bücher-example.com", "xn--bcher-example-wob.com" },
	{ "BÜCHER-Example.com", "xn--bcher-example-wob.com" },
	{ "BU\xcc\x88"
	  "CHER-example.com",
		"xn--bcher-example-wob.com" },
	{ "xn--bcher-example-wob.com", "xn--bcher-example-wob.com" },
	{ "XN--BCHER-EXAMPLE-WOB.COM", "xn--bcher-example-wob.com" },
	{ "пример-example.com", "xn---example-b8g3a8b8and.com" },
	{ "ПРИМЕР-example.com.", "xn---example-b8g3a8b8and.com" },
	{ "straße-example.net", "xn--strae-example-edb.net" },
	{ "strasse-example.net", "strasse-example.net" },
	{ "mail.bücher-example.com", "mail.xn--bcher-example-wob.com" },
	{ "_dmarc.bücher-example.com", "_dmarc.xn--bcher-example-wob.com" },
	{ "*.bücher-example.com", "*.xn--bcher-example-wob.com" },
	{ "ａｂｃ.ｃｏｍ", "abc.com" },
	{ "exa\xc2\xadmple.com", "example.com" },
	{ "\xe2\x80\x8b"
	  "example.com",
		"example.com" },

	/* Full stops of other scripts are dots, also a trailing one. */
	{ "bücher-example。com", "xn--bcher-example-wob.com" },
	{ "example．com｡", "example.com" },
	{ "bücher-example.com。", "xn--bcher-example-wob.com" },

	/* U+3002, U+FF0E and U+FF61 are dots in every name (UTS 46): ordinary ones ... */
	{ "example。com", "example.com" },
	{ "example．com", "example.com" },
	{ "example｡com", "example.com" },
	{ "mail。example．co｡uk", "mail.example.co.uk" },
	{ "EXAMPLE。COM", "example.com" },
	{ "example.com。", "example.com" },
	{ "example.com｡", "example.com" },
	{ "example。com．", "example.com" },
	{ "example.com", "example.com" },
	{ "bücher。example", "xn--bcher-kva.example" },
	{ "Bücher．Example", "xn--bcher-kva.example" },
	{ "例え。jp", "xn--r8jz45g.jp" },
	{ "例え｡テスト", "xn--r8jz45g.xn--zckzah" },
	{ "xn--bcher-kva。example", "xn--bcher-kva.example" },
	{ "straße。de", "xn--strae-oqa.de" },
	{ "_dmarc。example", "_dmarc.example" },
	{ "a-b。c-d", "a-b.c-d" },
	{ "1。2．3｡4", "1.2.3.4" },
	{ "ａｂｃ。ｃｏｍ", "abc.com" },
	{ "локалхост。example", "xn--80atccmdviy.example" },
	{ "☃。net", "xn--n3h.net" },

	/* ... and those with a label that is no IDN, which must not hide the labels beside it. */
	{ "😀。evil.example", "xn--e28h.evil.example" },
	{ "😀．evil.example", "xn--e28h.evil.example" },
	{ "😀｡evil.example", "xn--e28h.evil.example" },
	{ "😀。evil．example", "xn--e28h.evil.example" },
	{ "😀.evil。example", "xn--e28h.evil.example" },
	{ "evil。example。", "evil.example" },
	{ "😀。evil.example。", "xn--e28h.evil.example" },
	{ "😀。bücher。example", "xn--e28h.xn--bcher-kva.example" },
	{ "\xff。"
	  "evil.example",
		"\xff.evil.example" },
	{ "\xff．evil｡example", "\xff.evil.example" },
	{ "-ü。evil.example", "xn----eha.evil.example" },
	{ "xn--a。evil.example", "xn--a.evil.example" },
	{ "a_b。evil.example", "a_b.evil.example" },
	{ "a b。evil.example", "a b.evil.example" },
	{ "。evil.example", ".evil.example" },
	{ "。。evil.example", "..evil.example" },
	{ "a。。evil.example", "a..evil.example" },
	{ "😀。。evil.example", "xn--e28h..evil.example" },
	{ "evil.example。。", "evil.example." },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa。evil.example",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.evil.example" },
	{ "ex＠mple。evil.example", "ex＠mple.evil.example" },
	{ "\xe3\x80。"
	  "evil.example",
		"\xe3\x80.evil.example" },

	/* A label is invalid if the mapping would add a special ASCII character. */
	{ "ex＠mple.bücher-example.com", "ex＠mple.xn--bcher-example-wob.com" },
	{ "［192.0.2.1］", "［192.0.2.1］" },
	{ "ex：ample．com", "ex：ample.com" },

	/* A label that IDNA does not allow is mapped nevertheless, each character by itself:
	 * emoji, symbols, both directions, joiners, length. */
	{ "😀evil.example", "xn--evil-u973c.example" },
	{ "😀Evil.example", "xn--evil-u973c.example" },
	{ "😀ＥＶＩＬ.example", "xn--evil-u973c.example" },
	{ "😀ｅｖｉｌ．example", "xn--evil-u973c.example" },
	{ "😀é.example", "xn--9ca1767w.example" },
	{ "😀É.example", "xn--9ca1767w.example" },
	{ "😀e\u0301.example", "xn--9ca1767w.example" },
	{ "😀E\u0301.example", "xn--9ca1767w.example" },
	{ "a\u0301😀.example", "xn--1ca8867w.example" },
	{ "I♥NY.example", "xn--iny-zx5a.example" },
	{ "I♥Ｎy.example", "xn--iny-zx5a.example" },
	{ "ﬁ😀.example", "xn--fi-oo82a.example" },
	{ "①😀.example", "xn--1-jv3s.example" },
	{ "😀Σ.example", "xn--4xa1126w.example" },
	{ "😀ς.example", "xn--3xa3126w.example" },
	{ "😀ß.example", "xn--zca1967w.example" },
	{ "♥İ.example", "xn--i-9bb472y.example" },
	{ "אÉ.example", "xn--9ca32w.example" },
	{ "é\u200cÉ.example", "xn--9caa620v.example" },
	{ "❤️É.example", "xn--9ca518q.example" },
	{ "É-.example", "xn----9fa.example" },
	{ "ab--É.example", "xn--ab---epa.example" },
	{ "😀É!.example", "😀é!.example" },
	{ "😀＠É.example", "😀＠é.example" },
	{ "\xff😀É.example", "\xff😀É.example" },

	/* It is encoded, or keeps its bytes; the other labels are converted in any case. */
	{ "☃.example", "xn--n3h.example" },
	{ "💩.LA", "xn--ls8h.la" },
	{ "❤️.example", "xn--qei.example" },
	{ "\xff\xfe.example", "\xff\xfe.example" },
	{ "a.-ü.Example.COM", "a.xn----eha.example.com" },
	{ "☃.Bücher-example.com", "xn--n3h.xn--bcher-example-wob.com" },
	{ "\xff.Bücher-example.com", "\xff.xn--bcher-example-wob.com" },
	{ "xn--a.bücher-example.com", "xn--a.xn--bcher-example-wob.com" },
	{ "..bücher-example.com", "..xn--bcher-example-wob.com" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.bücher-example.com",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
		"xn--bcher-example-wob.com" },
};

START_TEST(has_one_form)
	{
		char out[DOMAIN_SIZE], again[DOMAIN_SIZE];
		size_t len = strlen(cases[_i].name);
		char *copy = malloc(len + 1); /* exactly len bytes, without a NUL */
		int got;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, cases[_i].name, len);
		got = domain_canon(copy, len, out);
		ck_assert_str_eq(out, cases[_i].want);
		ck_assert_int_eq(got, (int)strlen(cases[_i].want));
		if (got > 1 && out[got - 1] == '.')
			out[got-- - 1] = '\0';
		ck_assert_int_eq(domain_canon(out, (size_t)got, again), got);
		ck_assert_str_eq(again, out);
		free(copy);
	}
END_TEST

/* DOMAIN_SIZE - 1 bytes are accepted, ASCII or not; one more is refused, never cut. */
START_TEST(bounds_a_name)
	{
		char name[DOMAIN_SIZE + 16], out[DOMAIN_SIZE];

		memset(name, 'a', sizeof(name));
		ck_assert_int_eq(domain_canon(name, DOMAIN_SIZE - 1, out), DOMAIN_SIZE - 1);
		ck_assert_uint_eq(strlen(out), DOMAIN_SIZE - 1);
		ck_assert_int_eq(domain_canon(name, DOMAIN_SIZE, out), -1);
		name[0] = '\xff';
		ck_assert_int_eq(domain_canon(name, DOMAIN_SIZE - 1, out), DOMAIN_SIZE - 1);
		ck_assert_uint_eq(strlen(out), DOMAIN_SIZE - 1);
		ck_assert_int_eq(domain_canon(name, DOMAIN_SIZE, out), -1);
		name[0] = 'a';
		name[DOMAIN_SIZE - 1] = '.';
		ck_assert_int_eq(domain_canon(name, DOMAIN_SIZE, out), DOMAIN_SIZE - 1);
	}
END_TEST

/* An @ begins no domain; what IDNA would make of it is not asked, because that takes time. */
START_TEST(converts_no_name_with_an_at_sign)
	{
		char out[DOMAIN_SIZE];

		ck_assert_int_eq(domain_canon("b\xc3\xbc"
					      "cher.example@x",
					 17, out),
			-1);
		ck_assert_int_eq(domain_canon("@b\xc3\xbc"
					      "cher.example",
					 16, out),
			-1);
	}
END_TEST

/* An A-label is longer than its U-label, and may not fit although the U-label does. */
START_TEST(bounds_the_length_of_its_result)
	{
		static const char label[] = "bücher.";
		char name[DOMAIN_SIZE], out[DOMAIN_SIZE];
		size_t len = 0;
		int fits, got;

		for (fits = 1; len + sizeof(label) < sizeof(name); fits = got >= 0) {
			memcpy(name + len, label, sizeof(label) - 1);
			len += sizeof(label) - 1;
			got = domain_canon(name, len, out);
			ck_assert(fits || got < 0);
			if (got >= 0) {
				ck_assert_uint_eq(strlen(out), (size_t)got);
				ck_assert_ptr_null(strstr(out, "\xc3\xbc"));
			}
		}
		ck_assert(!fits);
	}
END_TEST

static const struct {
	const char *name;
	bool want;
} literals[] = {
	{ "[192.0.2.1]", true },
	{ "[IPv6:2001:db8::1]", true },
	{ "[anything", true },
	{ "192.0.2.1", true },
	{ "2001:db8::1", true },
	{ "::ffff:192.0.2.1", true },
	{ "", false },
	{ "192.0.2", false },
	{ "192.0.2.1.example.com", false },
	{ "1.2.3.4.5", false },
	{ "example.com", false },
	{ "dead.beef", false },
	{ "2001:db8::1 ", false },
	{ "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb", false },
};

START_TEST(recognizes_literals)
	{
		size_t len = strlen(literals[_i].name);
		char *copy = malloc(len + 1);

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, literals[_i].name, len);
		ck_assert_int_eq(domain_is_literal(copy, len), literals[_i].want);
		free(copy);
	}
END_TEST

static const struct {
	const char *name;
	bool want;
} placeholders[] = {
	{ "unknown", true },
	{ "UNKNOWN", true },
	{ "[192.0.2.7]", true },
	{ "[", true },
	{ "unknown.example", false },
	{ "unknow", false },
	{ "mail.example", false },
	{ "", false },
};
START_TEST(knows_what_mtas_write_for_no_name)
	{
		ck_assert_int_eq(domain_is_placeholder(placeholders[_i].name),
			placeholders[_i].want);
	}
END_TEST

/* Return the value that a walk finds, 0 for none. */
static uint32_t walked(const struct strmap *map, enum domain_key form, const char *name)
{
	uint32_t value = 0;

	return domain_walk(map, form, name, &value) ? value : 0;
}

START_TEST(walks_from_a_name_to_its_last_label)
	{
		struct strmap *map = strmap_new();
		char longest[DOMAIN_SIZE + 1];

		ck_assert_uint_eq(walked(map, DOMAIN_PLAIN, "b.c"), 0);
		ck_assert_int_eq(strmap_add(map, "b.c", 3, 1), 1);
		ck_assert_int_eq(strmap_add(map, "c", 1, 2), 1);
		ck_assert_int_eq(strmap_add(map, ".y.z", 4, 3), 1);
		ck_assert_int_eq(strmap_add(map, ".z", 2, 4), 1);
		ck_assert_uint_eq(walked(map, DOMAIN_PLAIN, "a.b.c"), 1);
		ck_assert_uint_eq(walked(map, DOMAIN_PLAIN, "b.c"), 1);
		ck_assert_uint_eq(walked(map, DOMAIN_PLAIN, "ab.c"), 2);
		ck_assert_uint_eq(walked(map, DOMAIN_PLAIN, "a.y.z"), 0);
		ck_assert_uint_eq(walked(map, DOMAIN_DOTTED, "a.b.c"), 0);
		ck_assert_uint_eq(walked(map, DOMAIN_DOTTED, "x.y.z"), 3);
		ck_assert_uint_eq(walked(map, DOMAIN_DOTTED, "y.z"), 3);
		ck_assert_uint_eq(walked(map, DOMAIN_DOTTED, "xy.z"), 4);
		ck_assert_uint_eq(walked(map, DOMAIN_DOTTED, "z"), 4);
		ck_assert_uint_eq(walked(map, DOMAIN_DOTTED, ""), 0);
		ck_assert_uint_eq(walked(map, DOMAIN_PLAIN, ""), 0);
		ck_assert(domain_walk(map, DOMAIN_PLAIN, "c", NULL));
		memset(longest, 'a', DOMAIN_SIZE);
		memcpy(longest + DOMAIN_SIZE - 3, ".z", 3);
		ck_assert_uint_eq(walked(map, DOMAIN_DOTTED, longest), 4);
		memset(longest, 'a', DOMAIN_SIZE);
		memcpy(longest + DOMAIN_SIZE - 2, ".z", 3); /* longer than a name can be */
		ck_assert_uint_eq(walked(map, DOMAIN_DOTTED, longest), 0);
		strmap_free(&map);
	}
END_TEST

/* The canonical form of a name, folded; NULL: it is not another one. */
static const struct {
	const char *name, *folded;
} folds[] = {
	{ "xn--strae-oqa.example", "strasse.example" },
	{ "mx.xn--strae-oqa.example", "mx.strasse.example" },
	{ "xn--mxa8ab.example", "xn--mxa9ab.example" }, /* the final sigma */
	{ "xn--bcher-kva.example", NULL },
	{ "strasse.example", NULL },
	{ "xn--e28h.example", NULL }, /* a symbol */
	{ "xn--a.example", NULL },    /* no Punycode */
	{ "[192.0.2.1]", NULL },
	{ "\xff.example", NULL },
	{ "", NULL },
};
START_TEST(folds_the_case_of_a_name)
	{
		char out[DOMAIN_SIZE];

		ck_assert_msg(domain_fold(folds[_i].name, out) == (folds[_i].folded != NULL), "%s",
			folds[_i].name);
		if (folds[_i].folded != NULL)
			ck_assert_str_eq(out, folds[_i].folded);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("domain");
	TCase *tcase = tcase_create("domain");

	tcase_add_loop_test(tcase, has_one_form, 0, sizeof(cases) / sizeof(cases[0]));
	tcase_add_test(tcase, bounds_a_name);
	tcase_add_test(tcase, converts_no_name_with_an_at_sign);
	tcase_add_test(tcase, bounds_the_length_of_its_result);
	tcase_add_loop_test(tcase, recognizes_literals, 0, sizeof(literals) / sizeof(literals[0]));
	tcase_add_loop_test(tcase, knows_what_mtas_write_for_no_name, 0,
		sizeof(placeholders) / sizeof(placeholders[0]));
	tcase_add_loop_test(tcase, folds_the_case_of_a_name, 0, sizeof(folds) / sizeof(folds[0]));
	tcase_add_test(tcase, walks_from_a_name_to_its_last_label);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(make_suite)
