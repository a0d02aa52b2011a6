#ifndef POSTERN_USERS_H
#define POSTERN_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/problems.h"
#include "lib/rules/profile.h"
#include "lib/rules/rows.h"

/*
 * The users of a policy: some thousands of immutable, reference-counted
 * shards by hash of the login. A new set shares the shards that did not change.
 */
struct users;

/* One user; points into the set and lives as long as the caller's reference to it. */
struct user {
	const char *id;
	const char *name;	/* the row's own spelling: the login from here on */
	const char *password;	/* a crypt(3) hash, maybe with {SCHEME}; "" for none */
	const char *profile_id; /* "" for none */
	const char *froms;	/* canonical entries, each with its NUL; froms_len counts all */
	size_t froms_len;
	bool has_froms; /* the row names senders, even if none of them could be used */
	bool enabled;
};

struct users_builder;
struct users_builder *users_builder_new(void); /* NULL when out of memory */

/* What says whether a password hash is usable (lib/auth/password.h); an unusable one is a problem,
 * and the row stays. */
typedef int users_password_test(const char *hash, struct errmsg *err);
void users_builder_test_passwords(struct users_builder *builder, users_password_test *test);

/* Have users_builder_finish() name missing profiles in references, apart from other problems. */
void users_builder_part_references(struct users_builder *builder, struct problems *references);

/*
 * Take a row; problems gets "users id 17 (bob): ...". A bad address in froms is left
 * out alone; a row without a usable name is left out whole; one that can't be read otherwise
 * switches its user off, so that nobody takes it for a stranger. Of two rows with
 * one name (ASCII caseless) the later id is in force. Returns 1 when taken, 0 when left out, -1
 * when out of memory.
 */
int users_builder_add(struct users_builder *builder, const struct cell row[USER_COLUMNS],
	struct problems *problems);

/*
 * The users, with one reference; the builder is gone. previous (may be NULL) gives the
 * shards that are the same. profiles (may be NULL) is asked whether each profileId exists:
 * a problem if not. NULL when out of memory.
 */
struct users *users_builder_finish(struct users_builder **builder, const struct users *previous,
	const struct profiles *profiles, struct problems *problems);
void users_builder_free(struct users_builder **builder);

/* Name each user whose profileId no profile has, as users_builder_finish() does. */
void users_check_profiles(const struct users *users, const struct profiles *profiles,
	struct problems *problems);

/*
 * Whether b holds what a does, as far as shards are shared: true of a set that was built with a as
 * its previous one from the same rows.
 */
bool users_same(const struct users *a, const struct users *b);

struct users *users_ref(struct users *users);
void users_unref(struct users **users);

/* Whether a row has this login (ASCII caseless). */
bool users_find(const struct users *users, const char *login, size_t len, struct user *user_r);

size_t users_count(const struct users *users);
size_t users_bytes(const struct users *users); /* memory, shards that others share included */

/* Walk all, in no order; each returns 0 to go on. Returns what each() last returned. */
int users_each(const struct users *users, int (*each)(void *context, const struct user *user),
	void *context);

/* Next entry of a user's froms after at (NULL: the first); NULL at the end. */
const char *user_next_from(const struct user *user, const char *at);

#endif
