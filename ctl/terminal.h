#ifndef POSTERN_TERMINAL_H
#define POSTERN_TERMINAL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Control sequences (ECMA-48, section 8.3.117). */
enum terminal_colour {
	TERMINAL_OFF,
	TERMINAL_BOLD,
	TERMINAL_RED,
	TERMINAL_GREEN,
	TERMINAL_YELLOW,
	TERMINAL_DIM
};

/* Print what follows in a colour, or without one again. Prints nothing when colour is false. */
void terminal_paint(FILE *out, bool colour, enum terminal_colour what);

/* Print one word in a colour. */
void terminal_word(FILE *out, bool colour, enum terminal_colour what, const char *word);

/* Return the colour of a verdict or of a check's outcome: "accept", "fail", "would-reject", ... */
enum terminal_colour terminal_verdict(const char *verdict);

/* Print a duration by its two largest units: "3 d 4 h", "5 min 3 s", "12 s". */
void terminal_seconds(FILE *out, long long seconds);

/*
 * Print an answer as JSON, with flags of json_dumps(), and an end of line. All characters beyond
 * ASCII and DEL are escaped, so that the text cannot control a terminal either. Returns 0, or -1
 * when out of memory.
 */
int terminal_json(FILE *out, const json_t *json, size_t flags);

#endif
