/*
 * Shows that the scanner accepts what jansson accepts, except for what its header names, that it
 * accepts nothing else, and that it reads the same strings.
 */
#include "lib/store/json_scan.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "t/unit/unit.h"

static bool jansson_accepts(const char *text, size_t len)
{
	json_t *root = json_loadb(text, len,
		JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL);

	json_decref(root);
	return root != NULL;
}

/* Return whether the scanner accepts the text, which has its exact size in memory. */
static bool scanner_accepts(const char *text, size_t len)
{
	char *copy = malloc(len + 1);
	struct json_scan s = { copy, copy + len };
	bool accepts;

	memcpy(copy, text, len);
	copy[len] = '"'; /* no NUL to stop at */
	accepts = json_scan_skip(&s);
	json_scan_space(&s);
	accepts = accepts && s.at == s.end;
	free(copy);
	return accepts;
}

/* Texts that both accept or both refuse. */
static const char *const texts[] = { "", " ", "null", " true ", "nul", "nullx", "TRUE", "0", "-",
	"-0", "00", "-01", "1.", ".5", "1.5", "1e", "1e+", "1E-5", "+1", "9223372036854775807",
	"9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1e307", "1e-9999",
	"\"", "\"\\\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\udc00\"",
	"\"\\ud800\\ud800\"", "\"\\ud800x\\udc00\"", "\"\\u0000\"", "\"\\a\"", "\"a\nb\"", "'a'",
	"\"12345678\x1f\"", "\"1234567\\\"", "[", "]", "[]", "[ ]", "[,]", "[1,]", "[1 2]", "[1}",
	"{]", "{}", "{ }", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{1:1}", "{\"a\":1 \"b\":2}",
	"{\"a\":[{\"a\":1},{\"a\":1}],\"b\":{\"a\":2}}", "{\"a\":{\"b\":1,\"b\":2}}",
	"{\"a\":1,\"b\":{},\"a\":1}", "{\"\\u0061\":1,\"a\":1}", "{\"\\u0061\":1,\"\\u0062\":1}",
	"{\"\\u0000\":1}", "[1]]", "\xef\xbb\xbf[]", "[1]\v", "/**/1" };
START_TEST(accepts_what_jansson_accepts)
	{
		const size_t len = strlen(texts[_i]);

		if (scanner_accepts(texts[_i], len) != jansson_accepts(texts[_i], len))
			ck_abort_msg("%s", texts[_i]);
	}
END_TEST

/* Append a text so many times. */
static void repeat(struct strbuf *text, const char *part, int times)
{
	int i;

	for (i = 0; i < times; i++)
		strbuf_add_str(text, part);
}

START_TEST(bounds_depth_and_keys)
	{
		struct strbuf text = STRBUF_INIT;

		repeat(&text, "[", JSON_DEPTH_MAX);
		repeat(&text, "]", JSON_DEPTH_MAX);
		ck_assert(scanner_accepts(text.text, text.len));
		strbuf_reset(&text);
		repeat(&text, "[", JSON_DEPTH_MAX + 1);
		repeat(&text, "]", JSON_DEPTH_MAX + 1);
		ck_assert(!scanner_accepts(text.text, text.len));
		strbuf_reset(&text);
		/* The keys of an object that has ended don't count. */
		strbuf_add_char(&text, '[');
		repeat(&text, "{\"a\":1,\"b\":{\"a\":2}},", JSON_KEYS_MAX);
		strbuf_add_str(&text, "{\"a\":1}]");
		ck_assert(scanner_accepts(text.text, text.len));
		strbuf_reset(&text);
		strbuf_add_char(&text, '{');
		for (int i = 0; i <= JSON_KEYS_MAX; i++)
			strbuf_addf(&text, "%s\"%d\":1", i > 0 ? "," : "", i);
		strbuf_add_char(&text, '}');
		ck_assert(!scanner_accepts(text.text, text.len));
		ck_assert(jansson_accepts(text.text, text.len));
		strbuf_free(&text);
		ck_assert(!scanner_accepts("1e309", 5) && !scanner_accepts("1e-99999", 8));
	}
END_TEST

static uint64_t seed = 1;

static unsigned pick(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % below;
}

/* Random rows of tokens, some of which are JSON. */
START_TEST(random_tokens_are_judged_the_same)
	{
		static const char *const tokens[] = { "{", "}", "[", "]", ",", ":", "\"a\"",
			"\"a\":", "\"b\":", "\"\\u0061\":", "1", "-1.5e3", "true", "null", " ",
			"\n", "\"\\ud83d\\ude00\"", "\"x\\/y\"", "{\"a\":1}", "[[]]", "e", "\\" };
		const unsigned count = unit_times(20000);
		struct strbuf text = STRBUF_INIT;
		unsigned i, accepted = 0;

		for (i = 0; i < count; i++) {
			strbuf_reset(&text);
			strbuf_add_str(&text, pick(2) > 0 ? "[" : "{\"c\":");
			for (unsigned k = pick(7); k > 0; k--)
				strbuf_add_str(&text, tokens[pick(22)]);
			strbuf_add_char(&text, "]}"[pick(2)]);
			if (scanner_accepts(text.text, text.len) !=
				jansson_accepts(text.text, text.len))
				ck_abort_msg("%s", text.text);
			accepted += scanner_accepts(text.text, text.len);
		}
		ck_assert_uint_gt(accepted, count / 100);
		strbuf_free(&text);
	}
END_TEST

START_TEST(random_strings_are_read_the_same)
	{
		static const char *const parts[] = { "a", "12345678", "\xc3\xbc", "\\u00e9",
			"\\uD83D\\uDE00", "\\\"", "\\\\", "\\/", "\\b\\f\\n\\r\\t", "\\u0000",
			"\x7f" };
		const unsigned count = unit_times(3000);
		struct strbuf text = STRBUF_INIT, read = STRBUF_INIT;
		unsigned i;

		for (i = 0; i < count; i++) {
			struct json_scan s;
			struct json_quoted span;
			json_t *string;

			strbuf_reset(&text);
			strbuf_add_char(&text, '"');
			for (unsigned k = pick(6); k > 0; k--)
				strbuf_add_str(&text, parts[pick(11)]);
			strbuf_add_char(&text, '"');
			s = (struct json_scan){ text.text, text.text + text.len };
			ck_assert(json_scan_string(&s, &span) && s.at == s.end);
			strbuf_reset(&read);
			json_scan_unescape(&span, &read);
			string = json_loadb(text.text, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL,
				NULL);
			ck_assert_uint_eq(read.len, json_string_length(string));
			ck_assert_mem_eq(read.text, json_string_value(string), read.len);
			json_decref(string);
		}
		strbuf_free(&text);
		strbuf_free(&read);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("json_scan");
	TCase *tcase = tcase_create("json_scan");

	tcase_add_loop_test(tcase, accepts_what_jansson_accepts, 0,
		sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tcase, bounds_depth_and_keys);
	tcase_add_test(tcase, random_tokens_are_judged_the_same);
	tcase_add_test(tcase, random_strings_are_read_the_same);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
