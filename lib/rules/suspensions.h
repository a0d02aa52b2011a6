#ifndef POSTERN_SUSPENSIONS_H
#define POSTERN_SUSPENSIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/errmsg.h"
#include "lib/base/strbuf.h"

/*
 * The logins that are suspended on this machine, whatever the tables contain: they can neither log
 * in nor send. They are separate from the policy, so that a suspension also affects open sessions.
 * Any thread may call any function. Names are those of rows, or TOKEN:MAIL; they are compared
 * without case (ASCII).
 */
struct suspensions;

#define SUSPENSIONS_MAX 1000000
#define SUSPENSION_LOGIN_MAX                                                \
	2100 /* bytes of a name; a login with a longer one is never counted \
	      */

struct suspensions *suspensions_new(void);		 /* NULL when out of memory */
void suspensions_free(struct suspensions **suspensions); /* accepts NULL */

/* Suspend or resume a login. Returns 1 when that changed something, 0 when it did not, -1 when out
 * of memory, with SUSPENSIONS_MAX logins, or when it is not a possible login. */
int suspensions_set(struct suspensions *suspensions, const char *login, bool suspended);

/* Return whether the login is suspended. With suspensions NULL, nobody is. */
bool suspensions_has(struct suspensions *suspensions, const char *login);

size_t suspensions_count(struct suspensions *suspensions);

/* Call each() for every login, in lower case and sorted. each() must not call these functions. */
void suspensions_each(struct suspensions *suspensions,
	void (*each)(void *context, const char *login), void *context);

/*
 * Write the logins as the text of a file, sorted, one per line, and read such a text, in which
 * lines that begin with '#' are comments. In it, \xHH is a byte of a login: a control character, a
 * backslash, or a first or last character that a line cannot have. suspensions_read() replaces all
 * logins and returns 0; or it changes nothing and returns -1 with err set, which begins with the
 * line: "7: a line cannot ...".
 */
void suspensions_write(struct suspensions *suspensions, struct strbuf *text);
int suspensions_read(struct suspensions *suspensions, const char *text, size_t len,
	struct errmsg *err);

#endif
