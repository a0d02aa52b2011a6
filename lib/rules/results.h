#ifndef POSTERN_RESULTS_H
#define POSTERN_RESULTS_H

#include "lib/base/strbuf.h"
#include "lib/rules/verdict.h"

/*
 * The findings of each stage, for later filters (docs/design.md, section 3.5), as the value of a
 * header field similar to that of RFC 8601: items NAME=OUTCOME(RULE), separated by "; ", such as
 *
 * connect=unlisted; connect.any=unlisted; mail=pass(mail_from.access.whitelist:3)
 *
 * NAME is the stage, followed by the check unless that is the stage's own. OUTCOME is unlisted,
 * pass, fail, warn, error or no-match. Recipients themselves do not appear, so that a Bcc stays
 * hidden.
 */
#define RESULTS_MAX 4000 /* bytes; items that do not fit are replaced by one "more=yes" */

/*
 * Add the findings of a stage to results, without repeating an item. An item of a rate limit ends
 * in " used=28/1024 window=1d next=0s" and replaces an earlier one of the same name.
 * results->failed is set when out of memory.
 */
void results_add(struct strbuf *results, enum stage stage, const struct verdict *verdict);

/*
 * Reduce all items to NAME=OUTCOME, for readers who must see neither rules, which can contain the
 * name of a login or a profile, nor the use of limits. results->failed is set when out of memory.
 */
void results_hide_rules(struct strbuf *results);

/*
 * Return the value of the field, folded with LF and TAB so that, where possible, no line has more
 * than 78 bytes; name_len is the length of the field's name. "none" without findings. The caller
 * must free() it; NULL when out of memory.
 */
char *results_fold(const struct strbuf *results, size_t name_len);

#endif
