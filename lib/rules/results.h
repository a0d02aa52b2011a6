#ifndef POSTERN_RESULTS_H
#define POSTERN_RESULTS_H

#include "lib/base/strbuf.h"
#include "lib/rules/verdict.h"

/*
 * What each stage found, for later filters (design 3.5), as the value of a header field in the
 *manner of RFC 8601: items "NAME=OUTCOME(RULE)" with "; " between, such as connect=unlisted;
 *connect.any=unlisted; mail=pass(mail_from.access.whitelist:3) NAME is the stage, with the check
 *behind it where that isn't the stage's own. OUTCOME is unlisted, pass, fail, warn or error. Of
 *recipients nothing is told but what their checks found: a Bcc stays one.
 */
#define RESULTS_MAX 4000 /* bytes; what finds no room is left out, and "more=yes" says so */

/*
 * Add the findings of a stage; an item that is there already is not added again. That of a rate
 * limit ends in " used=28/1024 window=1d next=0s", and the last one of its kind is told.
 */
void results_add(struct strbuf *results, enum stage stage, const struct verdict *verdict);

/*
 * The field's value, folded with LF and TAB so that no line is longer than 78 bytes when it
 * can be helped (name_len: of the field's name). "none" when nothing was found. The caller's to
 * free(); NULL when out of memory.
 */
char *results_fold(const struct strbuf *results, size_t name_len);

#endif
