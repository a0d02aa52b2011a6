/*
 * Reads the numbers of command lines, and ends the program when one is wrong. Holds no state; not
 * for several threads.
 */
#include "t/bench/lib/arguments.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void arguments_fail(const char *what, const char *why)
{
	(void)fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, why);
	exit(2);
}

size_t arguments_count(const char *option, const char *text, size_t min, size_t max)
{
	char *end;
	unsigned long count = strtoul(text, &end, 10);

	if (end == text || *end != '\0' || text[0] == '-' || count < min || count > max)
		arguments_fail(option, "not a number within bounds");
	return count;
}

double arguments_seconds(const char *option, const char *text)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end != '\0' || !(seconds >= 0 && seconds <= 86400))
		arguments_fail(option, "not a number of seconds");
	return seconds;
}
