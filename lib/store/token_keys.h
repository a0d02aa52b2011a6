#ifndef POSTERN_TOKEN_KEYS_H
#define POSTERN_TOKEN_KEYS_H

#include "lib/auth/jwt_keys.h"
#include "lib/base/errmsg.h"
#include "lib/base/problems.h"

/*
 * The keys of [jwt]: those of a file of PEM blocks or a JWK set ("": none), and a shared secret
 * ("": none). A file that holds a shared secret is refused when others can read it. 0 with one
 * reference in *keys_r, or -1 with err set, which names the key ("[jwt] keys_file: ..."); keys that
 * can't be used are named in problems (may be NULL).
 */
int token_keys_load(const char *keys_file, const char *secret, struct jwt_keys **keys_r,
	struct problems *problems, struct errmsg *err);

#endif
