#ifndef POSTERN_PASSWORD_H
#define POSTERN_PASSWORD_H

#include <stdbool.h>

#include "lib/base/errmsg.h"

/*
 * Check that a hash of crypt(5), with or without a {SCHEME} before it, is usable: that
 * crypt_checksalt() calls it neither invalid nor legacy, and that its cost is within bounds, so
 * that one row cannot occupy a worker for seconds. Returns 0, or -1 with the reason, which never
 * quotes the hash, in err. Thread-safe.
 */
int password_usable(const char *hash, struct errmsg *err);

/*
 * The same for a column that need not allow a login: a text that begins with ! or *, alone or
 * before a hash, is no mistake but locks the login (shadow(5)). Such a password matches nothing.
 */
int password_usable_or_lock(const char *hash, struct errmsg *err);

#define PASSWORD_MAX 256 /* bytes; a longer password is wrong, and is not hashed */
bool password_is_long(const char *password);

enum password_result { PASSWORD_RIGHT, PASSWORD_WRONG, PASSWORD_FAILED /* out of memory */ };

/*
 * Check a password against a hash, at the cost that the hash demands (milliseconds to hundreds of
 * them), and compare in constant time. With an unusable hash, or NULL for an unknown user, the
 * check costs as much as usual and yields PASSWORD_WRONG. Thread-safe.
 */
enum password_result password_check(const char *hash, const char *password);

/*
 * Spend as much time as a check against the hash `model` of some other user (NULL: a usual hash),
 * so that a login without a row cannot be recognized. Never yields PASSWORD_RIGHT. Thread-safe.
 */
enum password_result password_check_nobody(const char *model, const char *password);

/*
 * Hash a password. method is one of password_methods; rounds is its cost, 0 for the
 * usual one: 12 for bcrypt, that of crypt(3) for the others.
 * Returns 0 with a text of at most 383 characters in hash_r, or -1 with err set. Thread-safe.
 */
int password_hash(const char *password, const char *method, unsigned long rounds, char hash_r[384],
	struct errmsg *err);

/* "yescrypt", "sha512", "sha256", "bcrypt", NULL */
extern const char *const password_methods[];

#endif
