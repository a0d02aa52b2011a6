/*
 * Compares the message about an entry or a regex that was refused with what a test expects.
 * Stateless.
 */
#include "t/unit/lib/refusal.h"

#include <string.h>

#include "t/unit/unit.h"

void assert_refusal(const struct errmsg *err, const char *reason, const char *right)
{
	const char *proposed = strstr(err->text, "; write ");

	proposed = proposed == NULL ? "" : proposed + strlen("; write ");
	ck_assert_msg(strstr(err->text, reason) != NULL, "%s", err->text);
	ck_assert_msg(strcmp(proposed, right) == 0, "%s, not %s", err->text, right);
}
