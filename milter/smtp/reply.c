/*
 * Turns a verdict into libmilter's reply and return value. Owns nothing. Runs on whichever of
 * libmilter's threads runs the callback.
 */
#include "milter/smtp/reply.h"

#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"

/* The first digit of the reply codes that fit a verdict; 0: none does. */
static int reply_class_of(enum verdict_kind kind)
{
	switch (kind) {
	case VERDICT_REJECT:
		return 5;
	case VERDICT_TEMPFAIL:
		return 4;
	case VERDICT_CONTINUE:
	case VERDICT_DISCARD:
		break;
	}
	return 0;
}

bool reply_line_of(const struct verdict *verdict, struct reply_line *line_r)
{
	const struct finding *deciding = verdict_deciding_finding(verdict);
	const struct reply *reply;
	size_t at = 0;

	if (deciding == NULL)
		return false;
	reply = &deciding->reply;
	if (reply->code < 400 || reply->code > 599 ||
		reply->code / 100 != reply_class_of(verdict->kind) ||
		reply->code == 421) /* Postfix hangs up at a 421 */
		return false;
	(void)snprintf(line_r->code, sizeof(line_r->code), "%d", reply->code);
	(void)text_copy(line_r->enhanced, sizeof(line_r->enhanced), reply->enhanced);
	if (line_r->enhanced[0] != line_r->code[0])
		(void)snprintf(line_r->enhanced, sizeof(line_r->enhanced), "%c.7.1",
			line_r->code[0]);
	for (const char *p = reply->text; *p != '\0' && at + 2 <= REPLY_LINE_MAX; p++) {
		char c = *p;

		line_r->text[at++] = (char)(c < ' ' || c > '~' ? '?' : c);
		if (c == '%')
			line_r->text[at++] = '%';
	}
	line_r->text[at] = '\0';
	return true;
}

int reply_send(void *ctx, const struct verdict *verdict, bool with_text)
{
	struct reply_line line;

	if (with_text && reply_line_of(verdict, &line))
		(void)smfi_setreply(ctx, line.code, line.enhanced, line.text);
	switch (verdict->kind) {
	case VERDICT_REJECT:
		return SMFIS_REJECT;
	case VERDICT_TEMPFAIL:
		return SMFIS_TEMPFAIL;
	case VERDICT_DISCARD:
		return SMFIS_DISCARD;
	case VERDICT_CONTINUE:
		break;
	}
	return SMFIS_CONTINUE;
}
