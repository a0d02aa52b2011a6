#ifndef POSTERN_LINE_ACTION_H
#define POSTERN_LINE_ACTION_H

#include <stddef.h>

/* What another program's table does with what a line matches. */
enum line_action { LINE_NO_ACTION, LINE_DENIES, LINE_ALLOWS };

/* Return the action that a text begins with: a word of Postfix's, Sendmail's and other tables, or a
 * reply code (LINE_DENIES). */
enum line_action line_action_at(const char *text, size_t len);

/* Return the action of a line: that of the first word that is one, or LINE_NO_ACTION. A ! at the
 * beginning turns it into the other one; alone, it allows where the list denies, so that the action
 * without it must be passed as `usual`. */
enum line_action line_action_of(const char *line, size_t len, enum line_action usual);

#endif
