/*
 * Shows that a store in any layout gives the same rows and problems as a tree of jansson's does,
 * and that jansson judges what is wrong in it.
 */
#include "lib/store/store_hand.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/strbuf.h"
#include "t/unit/lib/store_ways.h"
#include "t/unit/unit.h"

/* ---- layouts --------------------------------------------------------------------- */

#define BEGIN "{\"format\": \"postern-store-1\", \"users\": ["
#define END "]}"

static const char *const texts[] = {
	BEGIN "{\"id\":1,\"username\":\"bob\"}" END,
	BEGIN "\r\n\t{ \"id\" : 1 , \"username\" : \"bob\" }\r\n" END "\r\n",
	"\xef\xbb\xbf" BEGIN END,
	"{\"users\":[{\"id\":1,\"username\":\"bob\"}],\"format\":\"postern-store-1\"}",
	"{\"users\":[{\"id\":1,\"username\":\"bob\",\"profileId\":2}],\"profiles\":[{\"id\":2,\"x\":1}],"
	"\"format\":\"postern-store-1\"}",
	"{\"f\\u006frmat\":\"postern-store-1\",\"users\":[]}",
	"{\"format\":\"postern-store-1\",\"users\":null,\"profiles\":[]}",
	"{\"format\":\"postern-store-1\",\"users\":[],\"users\":[]}",
	"{\"format\":\"postern-store-1\",\"users\":[],\"us\\u0065rs\":[]}",
	"{\"format\":\"postern-store-1\",\"users\":[]}}",
	"{\"format\":\"postern-store-1\",\"users\":[],}",
	"{}",
	"[]",
	" ",
	BEGIN "1,null,\"a\",[],[{}],true,-0,1.5" END,
	BEGIN "," END,
	BEGIN "{}," END,
	BEGIN "{\"id\":1,\"id\":1}" END,
	BEGIN "{\"id\":1,\"i\\u0064\":1}" END,
	BEGIN "{\"id\":1,\"ID\":1,\"username\":\"bob\"}" END,
	BEGIN "{\"ID\":1,\"UserName\":\"bob\"},{\"UserName\":\"eve\",\"ID\":2}" END,
	BEGIN "{\"x\":1,\"x\":1}" END,
	BEGIN "{\"x\":1,\"\\u0078\":1}" END,
	BEGIN "{\"x\":{\"a\":1,\"b\":2,\"a\":1}}" END,
	BEGIN "{\"x\":{\"a\":1,\"\\u0061\":2}}" END,
	BEGIN "{\"x\":{\"a\":{\"a\":{\"a\":[{\"a\":1}]}}},\"id\":1,\"username\":\"bob\"}" END,
	BEGIN "{\"x\\u0000\":1}" END,
	BEGIN "{\"x\":{\"\\u0000\":1}}" END,
	BEGIN "{\"\":1,\"username\":\"bob\"}" END,
	BEGIN "{\"id\":-5,\"username\":\"bob\"},{\"id\":-0,\"username\":\"eve\"}" END,
	BEGIN "{\"id\":9223372036854775807,\"username\":\"bob\"}" END,
	BEGIN "{\"id\":-9223372036854775808,\"username\":\"bob\"}" END,
	BEGIN "{\"id\":9223372036854775808,\"username\":\"bob\"}" END,
	BEGIN "{\"id\":-9223372036854775809,\"username\":\"bob\"}" END,
	BEGIN "{\"x\":1e308,\"y\":1e400,\"username\":\"bob\"}" END,
	BEGIN "{\"x\":1E+3,\"y\":0.5e-9999,\"z\":0e5,\"username\":\"bob\"}" END,
	BEGIN "{\"x\":[],\"y\":{},\"z\":[[],{}],\"username\":\"bob\",\"froms\":[]}" END,
	BEGIN "{\"username\":\"bob\",\"froms\":[ \"a@b.c\" , \"\\u0061@c.d\" ]}" END,
	BEGIN "{\"username\":\"bob\",\"froms\":[\"a\\u0000\"]},{\"username\":\"e\\u0000\"}" END,
	BEGIN "{\"username\":\"bob\",\"froms\":[[\"a@b.c\"]],\"password\":[]}" END,
	BEGIN
	"{\"username\":\"\\ud83d\\ude00 \\/ \\\" \\\\ \\b\\f\\n\\r\\t\",\"froms\":\"\\u00e9@a.b\"}" END,
	BEGIN "{\"username\":\"\\ud83d\"}" END,
	BEGIN "{\"username\":\"\\ude00\"}" END,
	BEGIN "{\"username\":\"\\ud83d\\u0041\"}" END,
	BEGIN "{\"username\":\"\\u12g4\"}" END,
	BEGIN "{\"username\":\"\\x\"}" END,
	BEGIN "{\"username\":\"a\tb\"}" END,
	BEGIN "{\"username\":\"a\x7f\"}" END,
	BEGIN "{\"username\":\"b\xff\"},{\"username\":\"e\\ufffd\"},{\"username\":\"amy\"}" END,
	BEGIN
	"{\"username\":\"b\xed\xa0\x80\",\"x\":\"\xc0\x80\"},{\"username\":\"e\xef\xbf\xbd\"}" END,
	BEGIN "{\"username\":\"e\\ufffd\"},{\"username\":\"a\xef\xbf\xbd\"}" END,
	BEGIN
	"{\"username\":\"bob\",\"pasword\":1,\"uid\":2},{\"uid\":2,\"mail\":3,\"username\":\"eve\"}" END,
	BEGIN
	"{\"username\":\"bob\",\"pasword\":1.5,\"id\":1.5},{\"pasword\":2,\"username\":\"eve\"}" END,
};
START_TEST(both_ways_read_the_same)
	{
		const char *difference = store_ways_differ(texts[_i], strlen(texts[_i]));

		if (difference != NULL)
			ck_abort_msg("%s\n%s", difference, texts[_i]);
	}
END_TEST

START_TEST(a_nul_byte_is_no_end)
	{
		static const char text[] = BEGIN "{\"id\":1}\0" END;

		ck_assert_ptr_null(store_ways_differ(text, sizeof(text) - 1));
	}
END_TEST

/* Rows with more keys than the scanner knows, and longer ones. */
START_TEST(many_keys_go_through)
	{
		struct strbuf text = STRBUF_INIT;
		int i;

		strbuf_add_str(&text, BEGIN "{\"id\":1,\"username\":\"bob\"");
		for (i = 0; i < 200; i++)
			strbuf_addf(&text, ",\"key %0*d\":%d", i, i, i);
		strbuf_add_str(&text, "}" END);
		ck_assert_ptr_null(store_ways_differ(text.text, text.len));
		strbuf_free(&text);
	}
END_TEST

/* ---- random stores --------------------------------------------------------------- */

static uint64_t seed;

/* A number below `below`. */
static unsigned pick(unsigned below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(seed >> 33) % below;
}

#define PICK(table) (table)[pick(sizeof(table) / sizeof((table)[0]))]

static void add_space(struct strbuf *text)
{
	static const char *const spaces[] = { "", "", "", "", " ", "\n  ", "\r\n", "\t" };

	strbuf_add_str(text, PICK(spaces));
}

static void add_value(struct strbuf *text)
{
	static const char *const values[] = { "null", "true", "false", "0", "1", "17", "-3", "1.5",
		"2e3", "\"bob\"", "\"Bob\"", "\"eve\"", "\"a@b.c\"", "\"*\"", "\"\"",
		"\"\\u0041my\"", "\"a\\/b\"", "\"k\\u00fcche\"", "\"k\xc3\xbcrbis\"",
		"\"\\ud83d\\ude00\"", "\"\\u0000\"", "\"\xff\"", "\"\\ufffd\"", "[]", "{}",
		"[\"a@b.c\",\"b\\u0040c.d\"]", "[ \"x.org\" , 1 ]", "{\"a\":[1,{\"b\":null}]}",
		"{\"a\":1,\"a\":2}", "9223372036854775808", "1234567890123456789", "truth", "01",
		"\"a\nb\"", "\"$6$salt$x\"" };

	/* The last ones are seldom good, and one bad one spoils the store. */
	strbuf_add_str(text, values[pick(40) == 0 ? pick(35) : pick(28)]);
}

static void add_row(struct strbuf *text)
{
	static const char *const keys[] = { "id", "username", "password", "froms", "profileId",
		"enabled", "name", "open", "maxsize", "host", "rcpt", "ID", "profileid", "note",
		"uid", "createdAt", "usernam", "n\\u006fte", "\xc3\xbc", "" };
	static const char *const names[] = { "\"bob\"", "\"eve\"", "\"b\\u006fb\"", "\"Amy\"" };
	unsigned first = pick(20), step = 1 + pick(3), count = pick(7), i;

	strbuf_addf(text, "{\"id\":%u,\"username\":%s", pick(5), PICK(names));
	for (i = 0; i < count; i++) {
		strbuf_add_char(text, ',');
		add_space(text);
		/* Mostly without a key that the row has already. */
		strbuf_addf(text, "\"%s\"",
			keys[pick(30) == 0 ? pick(20) : 2 + (first + i * step) % 18]);
		add_space(text);
		strbuf_add_char(text, ':');
		add_space(text);
		add_value(text);
	}
	add_space(text);
	strbuf_add_char(text, '}');
}

static void add_table(struct strbuf *text, const char *name)
{
	unsigned count = pick(6), i;

	strbuf_addf(text, "\"%s\":[", name);
	for (i = 0; i < count; i++) {
		add_space(text);
		strbuf_add_str(text, i > 0 ? "," : "");
		add_space(text);
		if (pick(30) == 0)
			add_value(text);
		else
			add_row(text);
	}
	add_space(text);
	strbuf_add_char(text, ']');
}

static void make_store(struct strbuf *text)
{
	static const char *const others[] = { "", "", "", "\"user\":1,", "\"x\":{\"y\":[]},",
		"\"revision\": \"\"," };
	bool format_first = pick(4) > 0, users_first = pick(3) == 0;

	strbuf_reset(text);
	strbuf_add_str(text, pick(8) == 0 ? "\xef\xbb\xbf{" : "{");
	strbuf_add_str(text, format_first ? "\"format\":\"postern-store-1\"," : "");
	strbuf_add_str(text, PICK(others));
	add_table(text, users_first ? "users" : "profiles");
	strbuf_add_char(text, ',');
	add_table(text, users_first ? "profiles" : "users");
	strbuf_add_str(text, format_first ? "}" : ",\"format\":\"postern-store-1\"}");
	add_space(text);
}

/* Damage the text in one place. */
static void damage(struct strbuf *text)
{
	static const char bytes[] = "{}[]\":,\\ut0e-\xff\xc3 \n\x01";
	size_t at = pick((unsigned)text->len);

	switch (pick(4)) {
	case 0:
		text->len = at;
		break;
	case 1:
		memmove(text->text + at, text->text + at + 1, text->len - at - 1);
		text->len--;
		break;
	default:
		text->text[at] = bytes[pick(sizeof(bytes))];
		break;
	}
}

START_TEST(random_stores_are_read_the_same)
	{
		struct strbuf text = STRBUF_INIT;
		const unsigned count = unit_times_or(500, 25);
		const char *difference;
		unsigned i;

		seed = (uint64_t)_i;
		for (i = 0; i < count; i++) {
			make_store(&text);
			if (pick(3) == 0)
				damage(&text);
			difference = store_ways_differ(text.text, text.len);
			if (difference != NULL)
				ck_abort_msg("%s\n%.*s", difference, (int)text.len, text.text);
		}
		strbuf_free(&text);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("store_hand");
	TCase *tcase = tcase_create("store_hand");

	tcase_add_loop_test(tcase, both_ways_read_the_same, 0, sizeof(texts) / sizeof(texts[0]));
	tcase_add_test(tcase, a_nul_byte_is_no_end);
	tcase_add_test(tcase, many_keys_go_through);
	tcase_add_loop_test(tcase, random_stores_are_read_the_same, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
