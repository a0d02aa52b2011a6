#ifndef POSTERN_FROM_LOGIN_H
#define POSTERN_FROM_LOGIN_H

#include <stdbool.h>
#include <stddef.h>

/* Return whether a login that owns s@mine.m and me@mine.m may use the value as its From field. */
bool login_may_use(const char *value, size_t len);

#endif
