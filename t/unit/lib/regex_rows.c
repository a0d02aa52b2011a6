/*
 * Checks the regexes of tables in tests of lib/rules/regex_check.h. The tests own the tables; each
 * runs on one thread.
 */
#include "t/unit/lib/regex_rows.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "t/unit/lib/refusal.h"

/* Check a regex behind whose end nothing may be read, as in the middle of a file. */
static bool check_copy(enum regex_subject subject, bool anchored, const char *text,
	struct errmsg *fault)
{
	const size_t len = strlen(text);
	char *copy = malloc(len > 0 ? len : 1);
	bool fits;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, text, len);
	fits = regex_check(subject, anchored, copy, len, fault);
	free(copy);
	return fits;
}

void assert_regex_refused(const struct regex_row *row)
{
	struct errmsg fault = { "" };

	ck_assert_msg(!check_copy(row->subject, row->anchored, row->text, &fault), "%s", row->text);
	assert_refusal(&fault, row->reason, row->right);
}

void assert_regex_accepted(const struct regex_sound_row *row)
{
	struct errmsg fault = { "" };

	ck_assert_msg(check_copy(row->subject, row->anchored, row->text, &fault), "%s", fault.text);
}
