/*
 * Shows which characters are collected from texts in the encodings of PostgreSQL's servers, and
 * that a text is translated character by character.
 */
#include <libpq-fe.h>
#include <stdio.h>
#include <string.h>

#include "milter/pg/characters.h"
#include "t/unit/unit.h"

/* A text, and its characters beyond ASCII, each once and in brackets. */
static const struct {
	const char *encoding, *text, *want;
} texts[] = {
	{ "LATIN1", "", "" },
	{ "LATIN1", "plain,\\{}\t", "" },
	{ "LATIN1", "\xe4x\xf6\xe4", "[\xe4][\xf6]" },
	{ "EUC_JP", "a\xc6\xfc,\xcb\xdc\xc6\xfc", "[\xc6\xfc][\xcb\xdc]" },
	{ "EUC_JP", "\x8e\xb1\x8f\xa2\xaf", "[\x8e\xb1][\x8f\xa2\xaf]" },
	{ "EUC_TW", "\x8e\xa2\xa1\xa1\xc4\xe3", "[\x8e\xa2\xa1\xa1][\xc4\xe3]" },
	{ "MULE_INTERNAL", "\x81\xe4\x92\xc6\xfc", "[\x81\xe4][\x92\xc6\xfc]" },
	/* Invalid ones, which a server does not store, never swallow ASCII or what follows the
	 * text.
	 */
	{ "EUC_JP", "\xc6", "[\xc6]" },
	{ "EUC_JP", "\xc6,\xc6\t", "[\xc6]" },
	{ "EUC_TW", "\x8e\xa2\xa1", "[\x8e\xa2\xa1]" },
	{ "EUC_TW", "\x8e\xa2,y", "[\x8e\xa2]" },
};

START_TEST(collects_characters)
	{
		struct characters *characters =
			characters_new(pg_char_to_encoding(texts[_i].encoding));
		char found[128] = "";
		const char *text;
		size_t i, len, at = 0;

		ck_assert_int_eq(characters_collect(characters, texts[_i].text,
					 strlen(texts[_i].text)),
			0);
		for (i = 0; i < characters_count(characters); i++) {
			text = characters_get(characters, i, &len);
			at += (size_t)snprintf(found + at, sizeof(found) - at, "[%.*s]", (int)len,
				text);
		}
		ck_assert_str_eq(found, texts[_i].want);
		ck_assert(characters_are_ascii(texts[_i].text, strlen(texts[_i].text)) ==
			(texts[_i].want[0] == '\0'));
		characters_free(&characters);
		ck_assert_ptr_null(characters);
	}
END_TEST

START_TEST(translates_and_marks_what_has_no_translation)
	{
		struct characters *characters = characters_new(pg_char_to_encoding("EUC_JIS_2004"));
		struct strbuf text = STRBUF_INIT;

		ck_assert_int_eq(characters_collect(characters, "\xa4\xf7\xa4\xfc\xc6\xfc", 6), 0);
		ck_assert_uint_eq(characters_asked(characters), 0);
		characters_set(characters, 0, "\xe3\x81\x8b\xe3\x82\x9a", 6);
		characters_set(characters, 2, "\xe6\x97\xa5", 3);
		characters_note_asked(characters, 3);
		ck_assert_uint_eq(characters_asked(characters), 3);
		characters_translate(characters, "a\xa4\xf7,\xa4\xfc\xc6\xfc b\xcb\xdc", 11, &text);
		ck_assert_str_eq(text.text, "a\xe3\x81\x8b\xe3\x82\x9a,\xff\xe6\x97\xa5 b\xff");
		strbuf_free(&text);
		characters_free(&characters);
	}
END_TEST

/* As many characters as an encoding has. */
START_TEST(finds_each_of_many)
	{
		struct characters *characters = characters_new(pg_char_to_encoding("EUC_JP"));
		struct strbuf text = STRBUF_INIT;
		char bytes[2], utf8[3];
		size_t i;

		for (i = 0; i < 2000; i++) {
			bytes[0] = (char)(0xa1 + i / 94);
			bytes[1] = (char)(0xa1 + i % 94);
			ck_assert_int_eq(characters_collect(characters, bytes, 2), 0);
		}
		ck_assert_uint_eq(characters_count(characters), 2000);
		for (i = 0; i < 2000; i++) {
			(void)snprintf(utf8, sizeof(utf8), "%02x", (unsigned)(i % 256));
			characters_set(characters, i, utf8, 2);
		}
		characters_translate(characters, "\xa1\xa1\xa3\xc1\xa1\xa2", 6, &text);
		ck_assert_str_eq(text.text, "00dc01");
		strbuf_free(&text);
		characters_free(&characters);
	}
END_TEST

static Suite *characters_suite(void)
{
	Suite *suite = suite_create("characters");
	TCase *tcase = tcase_create("characters");

	tcase_add_loop_test(tcase, collects_characters, 0, sizeof(texts) / sizeof(*texts));
	tcase_add_test(tcase, translates_and_marks_what_has_no_translation);
	tcase_add_test(tcase, finds_each_of_many);
	suite_add_tcase(suite, tcase);
	return suite;
}

UNIT_MAIN(characters_suite)
