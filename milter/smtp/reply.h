#ifndef POSTERN_MILTER_REPLY_H
#define POSTERN_MILTER_REPLY_H

#include <stdbool.h>

#include "lib/rules/verdict.h"

/*
 * A reply in the form that smfi_setreply() accepts: a three-digit code, an enhanced code of the
 * same class (RFC 2034), and a text of at most REPLY_LINE_MAX bytes without CR or LF, with each %
 * doubled, as Sendmail and Postfix expect it. A plain value.
 */
#define REPLY_LINE_MAX 980

struct reply_line {
	char code[4];
	char enhanced[12];
	char text[REPLY_LINE_MAX + 1];
};

/*
 * Format the reply of the deciding finding. Returns false, leaving *line_r untouched, when the
 * verdict has no reply or one whose code does not fit it. libmilter would silently ignore such a
 * reply, and the MTA answers with a different text. Thread-safe.
 */
bool reply_line_of(const struct verdict *verdict, struct reply_line *line_r);

/*
 * Give libmilter the reply and return the return value of the callback (an SMFIS_ constant). ctx is
 * the callback's SMFICTX. libmilter accepts no text in xxfi_connect (pass with_text = false) and no
 * VERDICT_DISCARD in xxfi_connect and xxfi_helo.
 */
int reply_send(void *ctx, const struct verdict *verdict, bool with_text);

#endif
