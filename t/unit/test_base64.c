/*
 * Base64 and base64url: the vectors of RFC 4648, that each byte string has exactly one text, and
 * that every other text is an error.
 */
#include <string.h>

#include "lib/auth/base64.h"
#include "t/unit/unit.h"

/* The vectors of RFC 4648 section 10, and the texts that its section 12 warns of. */
static const struct {
	const char *bytes, *text;
} vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xbf", "+/+/" },
};

START_TEST(encodes_and_decodes_the_vectors)
	{
		const char *bytes = vectors[_i].bytes, *text = vectors[_i].text;
		struct strbuf made = STRBUF_INIT;
		uint8_t out[16];
		size_t len = 99;

		base64_encode(&made, bytes, strlen(bytes));
		ck_assert_str_eq(made.text == NULL ? "" : made.text, text);
		strbuf_free(&made);
		ck_assert_int_eq(base64_decode(text, strlen(text), out, &len), 0);
		ck_assert_uint_eq(len, strlen(bytes));
		ck_assert_mem_eq(out, bytes, len);
	}
END_TEST

static const char *const broken[] = { "=", "==", "===", "====", "Z", "Zg",
	"Zg=", "Zg===", "Z===", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "Zm9-", "Zm9_",
	"Zg==Zg==", "=Zg=", "Zm\xff=" };

START_TEST(refuses_text_that_is_no_base64)
	{
		uint8_t out[16];
		size_t len = 99;

		ck_assert_int_eq(base64_decode(broken[_i], strlen(broken[_i]), out, &len), -1);
		ck_assert_uint_eq(len, 99);
	}
END_TEST

static const struct {
	const char *text;
	int want;
	const char *bytes;
} url[] = {
	{ "", 0, "" },
	{ "Zg", 0, "f" },
	{ "Zm8", 0, "fo" },
	{ "-_-_", 0, "\xfb\xff\xbf" },
	{ "Zg==", -1, "" },
	{ "Zm8=", -1, "" },
	{ "+/+/", -1, "" },
	{ "Zh", -1, "" },
	{ "Z", -1, "" },
	{ "Zm9v.", -1, "" },
};

START_TEST(accepts_base64url_only_without_padding)
	{
		uint8_t out[16];
		size_t len = 0;

		ck_assert_int_eq(base64url_decode(url[_i].text, strlen(url[_i].text), out, &len),
			url[_i].want);
		ck_assert_uint_eq(len, strlen(url[_i].bytes));
		ck_assert_mem_eq(out, url[_i].bytes, len);
	}
END_TEST

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static Suite *base64_suite(void)
{
	Suite *suite = suite_create("base64");
	TCase *tests = tcase_create("base64");

	tcase_add_loop_test(tests, encodes_and_decodes_the_vectors, 0, COUNT(vectors));
	tcase_add_loop_test(tests, refuses_text_that_is_no_base64, 0, COUNT(broken));
	tcase_add_loop_test(tests, accepts_base64url_only_without_padding, 0, COUNT(url));
	suite_add_tcase(suite, tests);
	return suite;
}

UNIT_MAIN(base64_suite)
