#ifndef POSTERN_ASK_PASSWORD_H
#define POSTERN_ASK_PASSWORD_H

#include <stddef.h>

#include "lib/base/errmsg.h"

/*
 * Read a password: after the prompt, without echo, when standard input is a terminal; else the
 * first line of standard input. Returns 0 and sets text_r to the password, without its line end, or
 * returns -1 with err set when there is none, it is too long, or it contains a NUL byte.
 */
int ask_password(const char *prompt, char *text_r, size_t size, struct errmsg *err);

/*
 * Ask for a new password, on a terminal twice, and hash it. method and rounds are those of
 * password_hash(). The password is wiped. Returns 0 with the hash in hash_r, or -1 with err set.
 */
int ask_password_hash(const char *method, unsigned long rounds, char hash_r[384],
	struct errmsg *err);

#endif
