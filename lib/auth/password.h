#ifndef POSTERN_PASSWORD_H
#define POSTERN_PASSWORD_H

#include <stdbool.h>

#include "lib/base/errmsg.h"

/*
 * Password hashes of crypt(5), with or without a {SCHEME} in front. A hash is usable when
 * crypt_checksalt() calls it neither invalid nor legacy and its cost is within bounds, so that one
 * row can't hold a worker for seconds. 0, or -1 with err saying what is wrong (never the hash).
 */
int password_usable(const char *hash, struct errmsg *err);

enum password_result { PASSWORD_RIGHT, PASSWORD_WRONG, PASSWORD_FAILED /* out of memory */ };

/*
 * Whether password is the one that was hashed. Costs what the hash demands (milliseconds to
 * hundreds of them); compares in constant time. An unusable hash, or hash NULL (an unknown user),
 * costs what a usual one does and is WRONG. Thread-safe.
 */
enum password_result password_check(const char *hash, const char *password);

/*
 * What a login without a row costs: as password_check() with the hash `model`, some other user's
 * (NULL: a usual one), but never right. Thread-safe.
 */
enum password_result password_check_nobody(const char *model, const char *password);

/*
 * Hash a password: method is one of password_methods ("yescrypt", "sha512", "sha256", "bcrypt"),
 * rounds 0 for the usual cost. 0 with a text of at most 383 characters in hash_r, or -1 with err
 * set.
 */
int password_hash(const char *password, const char *method, unsigned long rounds, char hash_r[384],
	struct errmsg *err);

extern const char *const password_methods[]; /* ends with NULL */

#endif
