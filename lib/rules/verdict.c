/*
 * Verdicts: their names, replies and the texts of rate limits. The caller owns a verdict; any
 * thread may call it.
 */
#include "lib/rules/verdict.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/limits.h"

const char *outcome_name(enum outcome outcome)
{
	static const char *const names[] = {
		[OUTCOME_UNLISTED] = "unlisted",
		[OUTCOME_PASS] = "pass",
		[OUTCOME_FAIL] = "fail",
		[OUTCOME_WARN] = "would-reject",
		[OUTCOME_ERROR] = "error",
		[OUTCOME_GAVE_UP] = "no-match",
	};

	return names[outcome];
}

const char *verdict_name(enum verdict_kind kind)
{
	static const char *const names[] = {
		[VERDICT_CONTINUE] = "accept",
		[VERDICT_REJECT] = "reject",
		[VERDICT_TEMPFAIL] = "tempfail",
		[VERDICT_DISCARD] = "discard",
	};

	return names[kind];
}

void verdict_init(struct verdict *verdict)
{
	verdict->kind = VERDICT_CONTINUE;
	verdict->suspend = false;
	verdict->count = 0;
}

const struct finding *verdict_deciding_finding(const struct verdict *verdict)
{
	if (verdict->kind == VERDICT_CONTINUE || verdict->count == 0)
		return NULL;
	return &verdict->findings[verdict->count - 1];
}

void usage_format(const struct usage *usage, char text_r[USAGE_TEXT_SIZE])
{
	char window[16], wait[32];

	window_format(usage->window, window);
	wait_format(usage->wait, wait);
	(void)text_format(text_r, USAGE_TEXT_SIZE, "used=%" PRIu64 "/%" PRIu32 " window=%s next=%s",
		usage->used, usage->limit, window, wait);
}

static bool is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

/* Return how many bytes of text fit into a reply once the unprintable ones are escaped. */
static size_t reply_fit(const char *text)
{
	size_t len = 0, room = REPLY_TEXT_SIZE - 1, want;

	for (; text[len] != '\0'; len++) {
		want = is_printable(text[len]) ? 1 : sizeof("\\xNN") - 1;
		if (want > room)
			break;
		room -= want;
	}
	return len;
}

void reply_set(struct reply *reply, int code, const char *enhanced, const char *format, ...)
{
	static const char hex[] = "0123456789abcdef";
	char text[2 * REPLY_TEXT_SIZE];
	va_list args;
	size_t n = 0;

	reply->code = code;
	(void)text_copy(reply->enhanced, sizeof(reply->enhanced), enhanced);
	va_start(args, format);
	(void)text_vformat(text, sizeof(text), format, args);
	va_end(args);
	text[text_fit(text, strlen(text), reply_fit(text))] = '\0';
	for (const unsigned char *p = (const unsigned char *)text; *p != '\0'; p++) {
		if (is_printable((char)*p)) {
			reply->text[n++] = (char)*p;
			continue;
		}
		reply->text[n++] = '\\';
		reply->text[n++] = 'x';
		reply->text[n++] = hex[*p >> 4];
		reply->text[n++] = hex[*p & 15];
	}
	reply->text[n] = '\0';
}
