#ifndef POSTERN_USERS_H
#define POSTERN_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/problems.h"
#include "lib/rules/profile.h"
#include "lib/rules/rows.h"

/*
 * The users of a policy, in some thousands of immutable, reference-counted shards by hash of the
 * login. A new set shares the unchanged shards of the previous one, and a change of some rows makes
 * a set without reading the others. One thread builds a set; then any thread may read it.
 */
struct users;

/* One user. Points into the set, and lives as long as the caller's reference to it. */
struct user {
	const char *id;
	const char *name;	/* the row's spelling, which replaces the login's */
	const char *password;	/* a crypt(3) hash, optionally with {SCHEME}; "" for none */
	const char *profile_id; /* "" for none */
	const char *froms;	/* canonical entries, each with its NUL; froms_len in all */
	size_t froms_len;
	bool has_froms; /* the row has froms, even if none of them is usable */
	bool enabled;
};

struct users_builder;
struct users_builder *users_builder_new(void); /* NULL when out of memory */

/* Test password hashes with a function such as password_usable_or_lock() of lib/auth/password.h. An
 * unusable hash is reported, and the row stays. */
typedef int users_password_test(const char *hash, struct errmsg *err);
void users_builder_test_passwords(struct users_builder *builder, users_password_test *test);

/*
 * For several threads that add rows to one set without an index by id. Return a builder for a part
 * of the rows, with the settings of whole; NULL when out of memory.
 */
struct users_builder *users_builder_part(const struct users_builder *whole);

/* Move the rows of a part behind those of whole. The caller then frees the part. */
void users_builder_append(struct users_builder *whole, struct users_builder *part);

/* Return how many bytes of domains the builder has converted, of at most DOMAIN_IDN_MAX; each part
 * has this bound for itself. */
size_t users_builder_idn_bytes(const struct users_builder *builder);

/*
 * Make the builder index the set by id, and keep the problems of its rows, so that the set can be
 * changed row by row. Call this before the first row. users_report() then reports the problems; no
 * other function does.
 */
void users_builder_index_ids(struct users_builder *builder);

/*
 * Return a builder that changes some rows of a set for which users_can_change() is true. The set
 * that it makes, and what users_report() reports of it, are those of a builder to which all of its
 * rows were added, as long as ids are unique. If there are more problems than texts are kept, which
 * of them have a text may differ. NULL when out of memory.
 */
struct users_builder *users_builder_change(struct users *base);

/* Leave out the rows of base with that id. Adding a row implies this for its id. Returns 0, or -1
 * when out of memory. */
int users_builder_remove(struct users_builder *builder, const char *id);

/*
 * Add a row. Problems are reported as "users id 17 (bob): ...". A bad address in froms alone is
 * left out; a row without a usable name is left out completely; a row that cannot be read otherwise
 * disables its user, so that the login is not treated as unknown. Of two rows with one name (ASCII,
 * caseless), the later id is in force. Returns 1 when the row was added, 0 when it was left out, -1
 * when out of memory.
 */
int users_builder_add(struct users_builder *builder, const struct cell row[USER_COLUMNS],
	struct problems *problems);

/*
 * Return the users with one reference, and free the builder. Unchanged shards are shared with
 * previous (may be NULL). A profileId that profiles (may be NULL) does not contain is reported, and
 * so is a row whose name another one has. For a set with an index of ids, users_references and
 * users_report() do that instead. NULL when out of memory.
 */
struct users *users_builder_finish(struct users_builder **builder, const struct users *previous,
	const struct profiles *profiles, struct problems *problems);
void users_builder_free(struct users_builder **builder); /* accepts NULL */

/*
 * Return whether single rows of the set can be changed: its ids are indexed, no row's domains were
 * left out because of other rows' (DOMAIN_IDN_MAX), and it has the texts of as many problems as are
 * shown. A set keeps USERS_TEXTS of them; when rows of these are corrected, it may lack the texts
 * of the others.
 */
#define USERS_TEXTS PROBLEMS_KEPT
bool users_can_change(const struct users *users);

/* Report the problems of all rows, and the rows whose name another one has. */
void users_report(const struct users *users, struct problems *problems);

/*
 * Return whether b shares all shards of a. This is so if b was built from the same rows with a as
 * the previous set.
 */
bool users_same(const struct users *a, const struct users *b);

struct users *users_ref(struct users *users);
void users_unref(struct users **users);

/* Find the row of a login (ASCII, caseless). Returns whether there is one. */
bool users_find(const struct users *users, const char *login, size_t len, struct user *user_r);

/*
 * Pick one of the users whose password passes the test: always the same one for a name (ASCII,
 * caseless) in each process, and on each machine with the same rows. Nobody who does not know the
 * password hashes can predict it. A row that is added, changed or removed changes it for few names.
 * Returns false if none of 1024 users has such a password.
 */
bool users_pick(const struct users *users, const char *name, size_t len, users_password_test *test,
	struct user *user_r);

size_t users_count(const struct users *users);

/* Return how many enabled users have no froms and no domain in their name, so that they have an
 * address at a domain only by default_domain. */
size_t users_count_bare(const struct users *users);
/* Return how many users have a name that begins with the word, in any case, and a colon; *first_r
 * is the one with the lowest id. Reads only the shards that have a name with a colon. */
size_t users_count_behind(const struct users *users, const char *word, struct user *first_r);
size_t users_bytes(const struct users *users); /* memory in use, including shared shards */

/* Call each() for all users, in no particular order, until it returns a value other than 0. Returns
 * its last result. */
int users_each(const struct users *users, int (*each)(void *context, const struct user *user),
	void *context);

/* Return the entry of a user's froms after at (NULL: the first), or NULL at the end. */
const char *user_next_from(const struct user *user, const char *at);

#endif
