#ifndef POSTERN_PROFILE_H
#define POSTERN_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/problems.h"
#include "lib/match/address.h"
#include "lib/match/regexlist.h"
#include "lib/rules/limits.h"
#include "lib/rules/rows.h"

/*
 * The profiles of a policy: immutable, reference-counted, thousands at most. One thread builds a
 * set, from rows or from another set and the rows that changed; then any thread may read it. The
 * rows' order does not matter: a set has them in the order of their ids (row_ids_compare()).
 */
struct profiles;
struct profile;

struct profiles_builder;

/* anchored: [profile] rcpt_re_anchored. Returns NULL when out of memory. */
struct profiles_builder *profiles_builder_new(bool anchored);

/*
 * The regexes of a profile, and of all profiles, in bytes of regexlist_bytes(), and the text of all
 * profiles' rcpt_re, which counts PROFILES_IDN_WEIGHT times if it has a character outside of ASCII,
 * because that may be part of a domain. These bounds keep those who write profiles from delaying a
 * load, or from using up the memory.
 */
#define PROFILE_REGEX_BYTES (512 << 10)
#define PROFILES_REGEX_BYTES (32 << 20)
#define PROFILES_REGEX_TEXT (8 << 20)

/* The same for the text of all profiles' host and rcpt. Bytes of domains with characters outside of
 * ASCII, which take IDNA longer, count 16 times, so that there may be as many as DOMAIN_IDN_MAX. */
#define PROFILES_TABLES_TEXT (16 << 20)
#define PROFILES_IDN_WEIGHT 16

/* The same for one column: a list, or any other. A row with a longer one is left out. */
#define PROFILE_LIST_MAX PROFILES_TABLES_TEXT
#define PROFILE_VALUE_MAX UINT16_MAX

/*
 * Return a builder that changes some rows of a set. The set that it makes is that of a builder to
 * which all of its rows were added, and so are the problems that profiles_report() reports of it if
 * profiles_can_change() is true. NULL when out of memory.
 */
struct profiles_builder *profiles_builder_change(struct profiles *base, bool anchored);

/* Leave out the row of the base with that id, if there is one. Do this before adding another row
 * with its id. */
void profiles_builder_remove(struct profiles_builder *builder, const char *id);

/*
 * Add a row. profiles_report() reports problems as "profiles id 3 (sales): rcpt_re[2] ...". A bad
 * regex or host alone is left out, because that can only forbid more. A row with bad limits, size
 * or `open` is left out completely, and its users may send to nobody until the row is corrected
 * (see profiles_is_bad()). Of rows with one id, the first that was added stays. Returns 1 when the
 * row was added, 0 when it was left out, -1 when out of memory.
 */
int profiles_builder_add(struct profiles_builder *builder, const struct cell row[PROFILE_COLUMNS]);

/* Add a row that is left out, which the caller has reported. Returns 0, or -1 when out of memory.
 */
int profiles_builder_add_bad(struct profiles_builder *builder, const struct cell *id,
	const struct cell *name);

/*
 * Return the profiles with one reference, and free the builder. NULL when out of memory. Rows that
 * are the same in `previous` (may be NULL) are shared with it; of others, only regexes that are not
 * in it are compiled. If the regexes of all profiles exceed their bounds, those of the longest or
 * most costly profiles are left out, and likewise the items of host and rcpt.
 */
struct profiles *profiles_builder_finish(struct profiles_builder **builder,
	const struct profiles *previous);
void profiles_builder_free(struct profiles_builder **builder); /* accepts NULL */

struct profiles *profiles_ref(struct profiles *profiles);
void profiles_unref(struct profiles **profiles);

size_t profiles_count(const struct profiles *profiles);
const struct profile *profiles_at(const struct profiles *profiles,
	size_t i); /* i < count; in the order of ids */
const struct profile *profiles_by_id(const struct profiles *profiles, const char *id);
/* Of several profiles with one name, the first in the order of ids. */
const struct profile *profiles_by_name(const struct profiles *profiles, const char *name);
bool profiles_is_bad(const struct profiles *profiles, const char *id); /* its row was left out */

/* Call each() for the id of each row that was left out, unless another row has that id, until it
 * returns a value other than 0. Returns its last result. */
int profiles_each_bad(const struct profiles *profiles,
	int (*each)(void *context, const char *id, size_t len), void *context);
bool profiles_any_maxsize(const struct profiles *profiles); /* whether any has a size limit */

/*
 * Return whether the set has the texts of the problems that are to be shown first: a change of rows
 * leaves those of others as they are, and they are not kept without a bound.
 */
bool profiles_can_change(const struct profiles *profiles);

/* Report the problems of all rows, in the order of ids. */
void profiles_report(const struct profiles *profiles, struct problems *problems);

/* Return whether both have the same rows. */
bool profiles_same(const struct profiles *a, const struct profiles *b);

const char *profile_id(const struct profile *profile);
const char *profile_name(const struct profile *profile);
bool profile_is_open(const struct profile *profile);
uint64_t profile_maxsize(const struct profile *profile);	    /* octets; 0: no limit */
const struct limits *profile_limits(const struct profile *profile); /* never NULL; may be empty */

/* Return whether host contains the recipient's domain (".d": or one above it), or rcpt the
 * recipient; *index_r is then the number of the entry, from 1. */
bool profile_host_allows(const struct profile *profile, const struct mail_address *rcpt,
	uint32_t *index_r);
bool profile_rcpt_allows(const struct profile *profile, const struct mail_address *rcpt,
	uint32_t *index_r);
struct regexlist *profile_rcpt_re(const struct profile *profile);

/* Return the value of a column as the row had it. It lives as long as the profile. */
struct cell profile_cell(const struct profile *profile, enum profile_column column);

#endif
