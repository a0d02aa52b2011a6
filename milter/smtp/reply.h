#ifndef POSTERN_MILTER_REPLY_H
#define POSTERN_MILTER_REPLY_H

#include <stdbool.h>

#include "lib/rules/verdict.h"

/*
 * A reply in the form that smfi_setreply() takes: three digits, an enhanced code of the same
 * class (RFC 2034), and text with each % doubled, as Sendmail and Postfix expect it, without CR or
 * LF and of at most REPLY_LINE_MAX bytes.
 */
#define REPLY_LINE_MAX 980

struct reply_line {
	char code[4];
	char enhanced[12];
	char text[REPLY_LINE_MAX + 1];
};

/*
 * Make a line of the reply that decided. false when the verdict has none, or one whose code doesn't
 * fit the verdict: libmilter would drop it without a word, and the MTA's own text goes out then.
 */
bool reply_line_of(const struct verdict *verdict, struct reply_line *line_r);

/*
 * Tell libmilter the reply and return what the callback has to return (an SMFIS_ value). ctx: an
 * SMFICTX. connect and helo can't discard; connect can't have a text (pass say_text = false).
 */
int reply_send(void *ctx, const struct verdict *verdict, bool say_text);

#endif
