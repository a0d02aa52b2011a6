/*
 * Colours for a terminal, and text from outside with its control characters made visible. Owns
 * nothing.
 */
#include "ctl/terminal.h"

#include <string.h>

const char *terminal_colour(bool colour, enum terminal_colour what)
{
	static const char *const codes[] = {
		[TERMINAL_OFF] = "\033[0m",
		[TERMINAL_BOLD] = "\033[1m",
		[TERMINAL_RED] = "\033[31m",
		[TERMINAL_GREEN] = "\033[32m",
		[TERMINAL_YELLOW] = "\033[33m",
		[TERMINAL_DIM] = "\033[2m",
	};

	return colour ? codes[what] : "";
}

const char *terminal_verdict(bool colour, const char *verdict)
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
			return terminal_colour(colour, colours[i].colour);
	}
	return terminal_colour(colour, TERMINAL_YELLOW);
}

void terminal_print(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		const unsigned char c = (unsigned char)*text, next = (unsigned char)text[1];

		if (c < ' ' || c == 0x7f) {
			(void)fprintf(out, "\\x%02x", c);
		} else if (c == 0xc2 && next >= 0x80 && next < 0xa0) { /* U+0080 to U+009F */
			(void)fprintf(out, "\\x%02x\\x%02x", c, next);
			text++;
		} else {
			(void)fputc(c, out);
		}
	}
}
