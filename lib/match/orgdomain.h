#ifndef POSTERN_ORGDOMAIN_H
#define POSTERN_ORGDOMAIN_H

#include "lib/base/errmsg.h"

/*
 * The public suffix list (https://publicsuffix.org/list/). Immutable and
 * reference-counted; any thread may ask it.
 */
struct orgdomain;

/*
 * Load the list at path, text or DAFSA; NULL or "": the newer of the
 * system's and the one built into libpsl. 0, or -1 with err set.
 */
int orgdomain_open(const char *path, struct orgdomain **psl_r, struct errmsg *err);

struct orgdomain *orgdomain_ref(struct orgdomain *psl);
void orgdomain_unref(struct orgdomain **psl);

/*
 * The organizational domain of a canonical name: its public suffix and one
 * label more (the list's rule * for suffixes that it doesn't know). Points into name; NULL when it
 * has none: no dot, a bare public suffix, an empty label, an address.
 */
const char *orgdomain_of(const struct orgdomain *psl, const char *name);

#endif
