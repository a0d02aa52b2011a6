#ifndef POSTERN_SUSPENSIONS_H
#define POSTERN_SUSPENSIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/strbuf.h"

/*
 * The logins that this machine has suspended, whatever the tables say: they can neither log in nor
 * send. Apart from the policy, so that it holds in a session that is already open. Any thread may
 * call any function. Names are compared caselessly (ASCII): those of rows, or TOKEN:MAIL.
 */
struct suspensions;

#define SUSPENSIONS_MAX 1000000
#define SUSPENSION_LOGIN_MAX 1024 /* bytes of a name */

struct suspensions *suspensions_new(void);		 /* NULL when out of memory */
void suspensions_free(struct suspensions **suspensions); /* takes NULL */

/* Suspend or resume. 1 when that changed something, 0 when it was so; -1 when out of memory or
 * bounds, or no name. */
int suspensions_set(struct suspensions *suspensions, const char *login, bool suspended);

/* suspensions NULL: nobody is suspended. */
bool suspensions_has(struct suspensions *suspensions, const char *login);

size_t suspensions_count(struct suspensions *suspensions);

/* As the text of a file: a line each, sorted. And back: all of text is taken, or (-1) nothing;
 * lines from '#' on are comments. */
void suspensions_write(struct suspensions *suspensions, struct strbuf *text);
int suspensions_read(struct suspensions *suspensions, const char *text, size_t len);

#endif
