/*
 * Judges From fields for the tests of the grammar, as check_header.c does for a login that owns two
 * addresses. Stateless.
 */
#include "t/unit/lib/from_login.h"

#include <stdlib.h>
#include <string.h>

#include "lib/match/from_grammar.h"
#include "t/unit/unit.h"

static bool owns(void *context, const struct mail_address *address)
{
	bool *own = context;

	*own = *own &&
		(strcmp(address->canon, "s@mine.m") == 0 ||
			strcmp(address->canon, "me@mine.m") == 0);
	return *own;
}

bool login_may_use(const char *value, size_t len)
{
	char *copy = malloc(len + (len == 0)); /* without a NUL: ASan sees reads past it */
	bool own = true;
	struct from_field field;

	ck_assert_ptr_nonnull(copy);
	memcpy(copy, value, len);
	field = from_grammar_parse(copy, len, owns, &own);
	ck_assert(field.refusal != NULL || field.count > 0);
	ck_assert(field.at >= copy && field.at <= copy + len);
	free(copy);
	return own && field.refusal == NULL;
}

void check_author(const struct author_row *row)
{
	ck_assert_msg(login_may_use(row->value, strlen(row->value)) == row->legitimate, "%s",
		row->value);
}
