/*
 * Checks the regexes of tables in tests of lib/rules/regex_check.h. The tests own the tables; each
 * runs on one thread.
 */
#include "t/unit/lib/regex_rows.h"

#include <check.h>
#include <string.h>

#include "t/unit/lib/refusal.h"

void assert_regex_refused(const struct regex_row *row)
{
	struct errmsg fault = { "" };

	ck_assert_msg(!regex_check(row->subject, row->anchored, row->text, strlen(row->text),
			      &fault),
		"%s", row->text);
	assert_refusal(&fault, row->reason, row->right);
}

void assert_regex_accepted(const struct regex_sound_row *row)
{
	struct errmsg fault = { "" };

	ck_assert_msg(regex_check(row->subject, row->anchored, row->text, strlen(row->text),
			      &fault),
		"%s", fault.text);
}
