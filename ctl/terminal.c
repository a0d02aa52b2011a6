/*
 * Prints colours, durations and JSON for posternctl; lib/base/print.h prints text.
 * Owns nothing; the main thread calls it.
 */
#include "ctl/terminal.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/print.h"

void terminal_paint(FILE *out, bool colour, enum terminal_colour what)
{
	static const char *const codes[] = {
		[TERMINAL_OFF] = "\033[0m",
		[TERMINAL_BOLD] = "\033[1m",
		[TERMINAL_RED] = "\033[31m",
		[TERMINAL_GREEN] = "\033[32m",
		[TERMINAL_YELLOW] = "\033[33m",
		[TERMINAL_DIM] = "\033[2m",
	};

	if (colour)
		(void)fputs(codes[what], out);
}

void terminal_word(FILE *out, bool colour, enum terminal_colour what, const char *word)
{
	terminal_paint(out, colour, what);
	print_text(out, "%s", word);
	terminal_paint(out, colour, TERMINAL_OFF);
}

enum terminal_colour terminal_verdict(const char *verdict)
{
	static const struct {
		const char *verdict;
		enum terminal_colour colour;
	} colours[] = {
		{ "accept", TERMINAL_GREEN },
		{ "pass", TERMINAL_GREEN },
		{ "reject", TERMINAL_RED },
		{ "discard", TERMINAL_RED },
		{ "fail", TERMINAL_RED },
		{ "unlisted", TERMINAL_OFF },
	};

	for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++) {
		if (strcmp(verdict, colours[i].verdict) == 0)
			return colours[i].colour;
	}
	return TERMINAL_YELLOW;
}

void terminal_seconds(FILE *out, long long seconds)
{
	if (seconds >= 86400)
		print_text(out, "%lld d %lld h", seconds / 86400, seconds % 86400 / 3600);
	else if (seconds >= 3600)
		print_text(out, "%lld h %lld min", seconds / 3600, seconds % 3600 / 60);
	else if (seconds >= 60)
		print_text(out, "%lld min %lld s", seconds / 60, seconds % 60);
	else
		print_text(out, "%lld s", seconds < 0 ? 0 : seconds);
}

int terminal_json(FILE *out, const json_t *json, size_t flags)
{
	/* 13 digits: the time of an event in milliseconds. */
	char *text = json_dumps(json, flags | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(13));

	if (text == NULL)
		return -1;
	for (const char *at = text; *at != '\0'; at++) {
		if (*at == 0x7f)
			(void)fputs("\\u007f", out);
		else
			(void)fputc(*at, out);
	}
	(void)fputc('\n', out);
	free(text);
	return 0;
}
