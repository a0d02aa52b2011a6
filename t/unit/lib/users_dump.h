#ifndef POSTERN_USERS_DUMP_H
#define POSTERN_USERS_DUMP_H

#include "lib/base/strbuf.h"
#include "lib/rules/users.h"

/* Dumps by which sets of users are compared: a line for each user, with all that it has. */

/* For users_each(): append the line of a user to the strbuf. */
int users_dump_line(void *strbuf, const struct user *user);

/* Take over a text and sort its lines, because the order of a set is not the same as another's. The
 * caller must free() the result. */
char *users_dump_sort(struct strbuf *text);

#endif
