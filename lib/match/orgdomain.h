#ifndef POSTERN_ORGDOMAIN_H
#define POSTERN_ORGDOMAIN_H

#include "lib/base/errmsg.h"

/*
 * A public suffix list (https://publicsuffix.org/list/). Immutable and reference-counted; any
 * thread may ask it.
 */
struct orgdomain;

/*
 * Load the list at path (text or DAFSA); for NULL or "", the newer of the system's list and the one
 * built into libpsl. A text without the suffix com is not such a list, nor is
 * anything but a regular file of at most 4 MiB. Returns 0 with one reference
 * in *psl_r, or -1 with err set.
 */
int orgdomain_open(const char *path, struct orgdomain **psl_r, struct errmsg *err);

/* Return the file for which orgdomain_open() looks: path or, for NULL or "", the system's; "" if
 * there is none. */
const char *orgdomain_file(const char *path);

struct orgdomain *orgdomain_ref(struct orgdomain *psl); /* accepts NULL */
void orgdomain_unref(struct orgdomain **psl);		/* accepts NULL */

/*
 * Return the organizational domain of a canonical name: its public suffix and one more label. The
 * list's rule * applies to suffixes that it does not contain. The result points into name; NULL
 * when there is none: no dot, a bare public suffix, an empty label, or an address.
 */
const char *orgdomain_of(const struct orgdomain *psl, const char *name);

#endif
