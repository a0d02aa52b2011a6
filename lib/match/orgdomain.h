#ifndef POSTERN_ORGDOMAIN_H
#define POSTERN_ORGDOMAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/errmsg.h"

/*
 * A public suffix list (https://publicsuffix.org/list/). Immutable and reference-counted; any
 * thread may ask it.
 */
struct orgdomain;

/*
 * Read a list (text or DAFSA). A text without the suffix com is not such a list. Returns 0 with one
 * reference in *psl_r, or -1 with err set to the reason.
 */
int orgdomain_parse(const char *text, size_t len, struct orgdomain **psl_r, struct errmsg *err);

/* The same for the newer of the system's list and the one built into libpsl. */
int orgdomain_default(struct orgdomain **psl_r, struct errmsg *err);

/* Return whether a list was read from this text; false for another text, and for a list of
 * orgdomain_default(). */
bool orgdomain_is_of(const struct orgdomain *psl, const char *text, size_t len);

/* Return the system's list; "" if there is none. */
const char *orgdomain_default_file(void);

struct orgdomain *orgdomain_ref(struct orgdomain *psl); /* accepts NULL */
void orgdomain_unref(struct orgdomain **psl);		/* accepts NULL */

/* Return whether the list contains this canonical name as a public suffix. */
bool orgdomain_has_suffix(const struct orgdomain *psl, const char *name);

/*
 * Return the organizational domain of a canonical name: its public suffix and one more label. The
 * list's rule * applies to suffixes that it does not contain. The result points into name; NULL
 * when there is none: no dot, a bare public suffix, an empty label, or an address.
 */
const char *orgdomain_of(const struct orgdomain *psl, const char *name);

#endif
