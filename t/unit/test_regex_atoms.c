/*
 * Shows the outermost parts of regexes: characters, anchors, alternatives, and parts that are
 * optional or match more than one text.
 */
#include "lib/rules/regex_atoms.h"

#include <string.h>

#include "t/unit/unit.h"

/* atoms: a literal as its character; ^ for an anchor, | for an alternative, * for others,
 * also for a quantifier of one character. */
static const struct {
	const char *regex, *atoms;
	bool has_alternatives;
} rows[] = {
	{ "", "", false },
	{ "ab", "ab", false },
	{ "^a$", "^a^", false },
	{ "a|b", "a|b", true },
	{ "(a|b)c", "*c", false },
	{ "((a)|[)])c", "*c", false },
	{ "[a|b]c", "*c", false },
	{ "[]a", "*a", false },
	{ "[\\]|]a", "*a", false },
	{ "a.b", "a*b", false },
	{ "a\\.b", "a.b", false },
	{ "a\\|b", "a|b", false },
	{ "\\wb", "*b", false },
	{ "ab?c", "a**c", false },
	{ "ab*c", "a**c", false },
	{ "ab+c", "ab*c", false },
	{ "ab{0,1}c", "a*c", false },
	{ "a(b|c){2}|d", "a*|d", true },
};
START_TEST(a_regex_has_outermost_parts)
	{
		const char *regex = rows[_i].regex;
		struct regex_atoms atoms = { regex, regex + strlen(regex) };
		static const char marks
			[] = { [ATOM_ANCHOR] = '^', [ATOM_ALTERNATIVE] = '|', [ATOM_OTHER] = '*' };
		char found[32] = "", literal;
		enum regex_atom atom;
		size_t count = 0;

		while ((atom = regex_atoms_next(&atoms, &literal)) != ATOM_END)
			found[count++] = atom == ATOM_LITERAL ? literal : marks[atom];
		ck_assert_str_eq(found, rows[_i].atoms);
		ck_assert_int_eq(regex_has_alternatives(regex, strlen(regex)),
			rows[_i].has_alternatives);
	}
END_TEST

/* rest: what follows the class at the beginning. */
static const struct {
	const char *regex, *rest;
} classes[] = {
	{ "[a]b", "b" },
	{ "[]b", "b" },
	{ "[\\]]b", "b" },
	{ "[[]b", "b" },
	{ "[a", "" },
	{ "[a\\", "" },
};
START_TEST(a_class_ends_with_its_bracket)
	{
		const char *regex = classes[_i].regex;

		ck_assert_str_eq(regex_class_end(regex, regex + strlen(regex)), classes[_i].rest);
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("regex_atoms");
	TCase *tcase = tcase_create("regex_atoms");

	tcase_add_loop_test(tcase, a_regex_has_outermost_parts, 0,
		(int)(sizeof(rows) / sizeof(rows[0])));
	tcase_add_loop_test(tcase, a_class_ends_with_its_bracket, 0,
		(int)(sizeof(classes) / sizeof(classes[0])));
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
