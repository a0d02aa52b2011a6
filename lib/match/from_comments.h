#ifndef POSTERN_FROM_COMMENTS_H
#define POSTERN_FROM_COMMENTS_H

#include <stdbool.h>

/* The comments of an address field (RFC 5322 section 3.2.2). Part of from_header.c. */

struct from_comment {
	bool odd;     /* readers differ about where it ends, or see an address in it or behind it */
	bool sloppy;  /* it misleads readers if something else in the field contains an address */
	bool hides;   /* it contains an @, or a character that is like one */
	bool strange; /* a reader may show it as an address though it has no @ */
	char open;    /* '"' or '[' if a quoted string or square bracket begins in it and does not
			 end, '=' if an encoded-word does, otherwise 0 */
};

/* Return the position after the comment at p, including nested ones; NULL if it is not closed.
 * Thread-safe. */
const char *from_comment_end(const char *p, const char *end);

/* Return what a comment shows. text has no parentheses around it. The time is linear.
 * Thread-safe. */
struct from_comment from_comment_read(const char *text, const char *end);

/* Return whether a reader may show comments as an address: they have an @ or <, or a dot, ! or % as
 * in an address, also encoded. Thread-safe. */
bool from_comments_tell(const char *text, const char *end);

#endif
