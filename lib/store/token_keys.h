#ifndef POSTERN_TOKEN_KEYS_H
#define POSTERN_TOKEN_KEYS_H

#include <sys/types.h>

#include "lib/auth/jwt.h"
#include "lib/base/errmsg.h"
#include "lib/base/problems.h"
#include "lib/conf/config.h"

enum token_keys_result {
	TOKEN_KEYS_LOADED,
	TOKEN_KEYS_GONE, /* there is no file, also at the end of a link, or it is empty */
	TOKEN_KEYS_FAILED
};

/*
 * Load the keys of [jwt]: those of a file with PEM blocks or a JWK set ("": none), and a shared
 * secret ("": none). A file that contains a shared secret or a private key is refused if others can
 * read it, or if it belongs to a user other than root, the process's own and `user` ((uid_t)-1:
 * nobody). Unusable keys, and a file without a usable one, are added to problems, which may be
 * NULL. Returns TOKEN_KEYS_LOADED with one reference in *keys_r, or another result with err set,
 * which begins with the key of the configuration ("[jwt] keys_file: ...").
 */
enum token_keys_result token_keys_load(const char *keys_file, const char *secret, uid_t user,
	struct jwt_keys **keys_r, struct problems *problems, struct errmsg *err);

/*
 * The rules for tokens that follow from [jwt]. They borrow both parameters. With keys_file and no
 * audience, tokens that have one are refused, because others trust the same issuer; a shared secret
 * is shared with the issuer alone. Any thread.
 */
struct jwt_rules token_keys_rules(const struct config_jwt *jwt, const struct jwt_keys *keys);

#endif
