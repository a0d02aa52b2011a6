#ifndef POSTERN_FROM_LOGIN_H
#define POSTERN_FROM_LOGIN_H

#include <stdbool.h>
#include <stddef.h>

/* Return whether a login that owns s@mine.m and me@mine.m may use the value as its From field. */
bool login_may_use(const char *value, size_t len);

/* A From field, and whether that login may use it. */
struct author_row {
	const char *value;
	bool legitimate;
};

/* Fail the test if the login may use the field of a row that is not legitimate, or the reverse. */
void check_author(const struct author_row *row);

#endif
