#include "ctl/paint.h"

#include <string.h>

const char *paint(bool colour, enum paint what)
{
	static const char *const codes[] = {
		[PAINT_OFF] = "\033[0m",
		[PAINT_BOLD] = "\033[1m",
		[PAINT_RED] = "\033[31m",
		[PAINT_GREEN] = "\033[32m",
		[PAINT_YELLOW] = "\033[33m",
		[PAINT_DIM] = "\033[2m",
	};

	return colour ? codes[what] : "";
}

const char *paint_verdict(bool colour, const char *verdict)
{
	if (strcmp(verdict, "accept") == 0)
		return paint(colour, PAINT_GREEN);
	if (strcmp(verdict, "reject") == 0 || strcmp(verdict, "discard") == 0)
		return paint(colour, PAINT_RED);
	return paint(colour, PAINT_YELLOW);
}
