#ifndef POSTERN_TOKEN_KEYS_H
#define POSTERN_TOKEN_KEYS_H

#include "lib/auth/jwt_keys.h"
#include "lib/base/errmsg.h"
#include "lib/base/problems.h"

/*
 * Load the keys of [jwt]: those of a file with PEM blocks or a JWK set ("": none), and a shared
 * secret ("": none). A file that contains a shared secret is refused if others can read it.
 * Unusable keys are added to problems, which may be NULL. Returns 0 with one reference in *keys_r,
 * or -1 with err set, which begins with the configuration's key ("[jwt] keys_file: ...").
 */
int token_keys_load(const char *keys_file, const char *secret, struct jwt_keys **keys_r,
	struct problems *problems, struct errmsg *err);

#endif
