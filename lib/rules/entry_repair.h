#ifndef POSTERN_ENTRY_REPAIR_H
#define POSTERN_ENTRY_REPAIR_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/strbuf.h"
#include "lib/rules/entry_check.h"

/* Return whether a text is an entry that can match. */
typedef bool entry_test(const void *context, const char *text, size_t len);

/*
 * Append to out the probable meaning of an entry that cannot match: "@evil.example or
 * .evil.example" for evil.example among addresses, "192.0.2.0/24" for 192.0.2.* among clients.
 * Appends nothing when no repair makes an entry that passes the test. Part of entry_check.c.
 * Thread-safe.
 */
void entry_repair(enum entry_kind kind, const char *text, size_t len, entry_test *test,
	const void *context, struct strbuf *out);

/* Return whether an entry of access.domains is meant to allow: it begins with !, or has the action
 * of another program's table that does. false for other kinds. */
bool entry_repair_allows(enum entry_kind kind, const char *text, size_t len);

#endif
