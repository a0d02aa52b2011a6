#ifndef POSTERN_ASK_PASSWORD_H
#define POSTERN_ASK_PASSWORD_H

#include <stddef.h>

#include "lib/base/errmsg.h"

/*
 * Read a password: from the terminal without echo, after the prompt; or, where standard input is
 * none, its first line. 0 with the text, without its line end, in text_r; -1 with err set (nothing,
 * too long, a NUL).
 */
int ask_password(const char *prompt, char *text_r, size_t size, struct errmsg *err);

#endif
