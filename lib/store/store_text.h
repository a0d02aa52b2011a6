#ifndef POSTERN_STORE_TEXT_H
#define POSTERN_STORE_TEXT_H

#include <stdint.h>

#include "lib/base/strbuf.h"
#include "lib/rules/profile.h"
#include "lib/rules/users.h"

/*
 * Each function appends JSON in which Postern writes a store and its journal. store_read() reads
 * the same rows from it.
 */

void store_text_user(struct strbuf *text, const struct user *user);
void store_text_profile(struct strbuf *text, const struct profile *profile);

/* A row that a reader leaves out, so that users with this profile may send to nobody. */
void store_text_bad_profile(struct strbuf *text, const char *id, size_t len);

/* A row with nothing but what distinguishes it from all others. */
void store_text_user_key(struct strbuf *text, const char *name);
void store_text_profile_key(struct strbuf *text, const char *id, size_t len);

/* The members revision and written (seconds since 1970), without braces. */
void store_text_state(struct strbuf *text, const char *revision, int64_t written);

#endif
