/*
 * Shows that a change of a JSON text leaves all other bytes as they are, and that a new key or
 * object has the form of its neighbours.
 */
#include "ctl/json_edit.h"

#include <jansson.h>
#include <string.h>

#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct strbuf out;

static void setup(void)
{
	out = (struct strbuf)STRBUF_INIT;
}

static void teardown(void)
{
	strbuf_free(&out);
}

static struct json_span root(const char *text)
{
	return json_edit_root(text, strlen(text));
}

/* The result is JSON. */
static void check_out(const char *want)
{
	json_t *tree;

	ck_assert(!out.failed);
	ck_assert_str_eq(out.text, want);
	tree = json_loadb(out.text, out.len, JSON_REJECT_DUPLICATES, NULL);
	ck_assert_ptr_nonnull(tree);
	json_decref(tree);
}

static const struct {
	const char *text, *key, *value, *want;
} sets[] = {
	{ "{\"a\":1}", "a", "2", "{\"a\":2}" },
	{ "{\"A\": 1, \"b\":2}", "a", "\"x\"", "{\"A\": \"x\", \"b\":2}" },
	{ " {\"a\" : [1, {\"b\": 2}] , \"b\": 3}\n", "b", "4",
		" {\"a\" : [1, {\"b\": 2}] , \"b\": 4}\n" },
	{ "{\"x\": \"\\\"b\\\": 1\", \"b\": 1e5}", "b", "null",
		"{\"x\": \"\\\"b\\\": 1\", \"b\": null}" },
	{ "{\"x\": \"}\\\\\", \"b\": true }", "b", "false", "{\"x\": \"}\\\\\", \"b\": false }" },
	{ "{}", "a", "1", "{\"a\": 1}" },
	{ "{ }", "a", "1", "{\"a\": 1 }" },
	{ "{\"a\":1}", "b", "2", "{\"a\":1, \"b\":2}" },
	{ "{\"a\":1,\"b\":2}", "c", "3", "{\"a\":1,\"b\":2,\"c\":3}" },
	{ "{\"a\": 1, \"b\": 2}", "c", "3", "{\"a\": 1, \"b\": 2, \"c\": 3}" },
	{ "{\n\t\"a\": 1,\n\t\"b\": 2\n}", "c", "3", "{\n\t\"a\": 1,\n\t\"b\": 2,\n\t\"c\": 3\n}" },
	{ "{\"ab\": 1}", "a", "2", "{\"ab\": 1, \"a\": 2}" },
};
START_TEST(a_key_is_set)
	{
		json_edit_set(sets[_i].text, strlen(sets[_i].text), root(sets[_i].text),
			sets[_i].key, sets[_i].value, &out);
		check_out(sets[_i].want);
	}
END_TEST

static const struct {
	const char *text, *want;
} appends[] = {
	{ "[]", "[\n  {\"id\": 7, \"n\": \"x\"}\n ]" },
	{ "[ ]", "[\n  {\"id\": 7, \"n\": \"x\"}\n ]" },
	{ "[{\"id\":1,\"n\":\"a\"}]", "[{\"id\":1,\"n\":\"a\"},{\"id\":7,\"n\":\"x\"}]" },
	{ "[{\"id\": 1, \"n\": \"a\"}]", "[{\"id\": 1, \"n\": \"a\"},{\"id\": 7, \"n\": \"x\"}]" },
	{ "[\n  {\"id\": 1, \"n\": 2}\n ]",
		"[\n  {\"id\": 1, \"n\": 2},\n  {\"id\": 7, \"n\": \"x\"}\n ]" },
	{ "[\n\t{ \"a\": [1, 2] },\n\t{\n\t\t\"a\": 1,\n\t\t\"b\": {}\n\t}\n]",
		"[\n\t{ \"a\": [1, 2] },\n\t{\n\t\t\"a\": 1,\n\t\t\"b\": {}\n\t},\n\t{\n\t\t\"id\": 7,\n"
		"\t\t\"n\": \"x\"\n\t}\n]" },
	{ "[1]", "[1,{\"id\": 7, \"n\": \"x\"}]" },
};
START_TEST(an_object_is_appended_in_the_form_of_the_last_one)
	{
		static const struct json_pair pairs[] = { { "id", "7" }, { "n", "\"x\"" } };

		json_edit_append(appends[_i].text, strlen(appends[_i].text), root(appends[_i].text),
			pairs, 2, &out);
		check_out(appends[_i].want);
	}
END_TEST

static const struct {
	const char *text;
	size_t i;
	const char *want;
} removes[] = {
	{ "[1]", 0, "[]" },
	{ "[ 1 ]", 0, "[]" },
	{ "[1, 2, 3]", 0, "[2, 3]" },
	{ "[1, 2, 3]", 1, "[1, 3]" },
	{ "[1, 2, 3]", 2, "[1, 2]" },
	{ "[\n {\"a\": [1]},\n {\"b\": \"],\"}\n]", 0, "[\n {\"b\": \"],\"}\n]" },
	{ "[\n {\"a\": [1]},\n {\"b\": \"],\"}\n]", 1, "[\n {\"a\": [1]}\n]" },
};
START_TEST(an_element_is_removed_with_its_comma)
	{
		json_edit_remove(removes[_i].text, strlen(removes[_i].text), root(removes[_i].text),
			removes[_i].i, &out);
		check_out(removes[_i].want);
	}
END_TEST

START_TEST(places_are_found)
	{
		static const char text[] = "{\"a\": {\"c\": 1}, \"c\": [10, \"x,]\", {}]}";
		struct json_span value, element;

		ck_assert(json_edit_member(text, root(text), "c", JSON_KEYS_EXACT, &value));
		ck_assert_int_eq(text[value.at], '[');
		ck_assert(json_edit_element(text, value, 1, &element));
		ck_assert_uint_eq(element.end - element.at, 5);
		ck_assert(json_edit_element(text, value, 2, &element));
		ck_assert(!json_edit_element(text, value, 3, &element));
		ck_assert(!json_edit_member(text, root(text), "b", JSON_KEYS_CASELESS, &value));
		ck_assert(!json_edit_member(text, root(text), "A", JSON_KEYS_EXACT, &value));
		ck_assert(json_edit_member(text, root(text), "A", JSON_KEYS_CASELESS, &value));
		ck_assert_uint_eq(root("").end, 0);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("json_edit");
	TCase *tcase = tcase_create("json_edit");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, a_key_is_set, 0, COUNT(sets));
	tcase_add_loop_test(tcase, an_object_is_appended_in_the_form_of_the_last_one, 0,
		COUNT(appends));
	tcase_add_loop_test(tcase, an_element_is_removed_with_its_comma, 0, COUNT(removes));
	tcase_add_test(tcase, places_are_found);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
