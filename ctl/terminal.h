#ifndef POSTERN_TERMINAL_H
#define POSTERN_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* Control sequences (ECMA-48, section 8.3.117); each is "" when colour is false. */
enum terminal_colour {
	TERMINAL_OFF,
	TERMINAL_BOLD,
	TERMINAL_RED,
	TERMINAL_GREEN,
	TERMINAL_YELLOW,
	TERMINAL_DIM
};

const char *terminal_colour(bool colour, enum terminal_colour what);

/* The colour of a verdict or of a check's outcome: "accept", "fail", "would-reject", ... */
const char *terminal_verdict(bool colour, const char *verdict);

/*
 * Print UTF-8 text that clients chose. Control characters, including those of ISO 6429 beyond
 * ASCII, are printed as \xNN, so that the text cannot control the terminal.
 */
void terminal_print(FILE *out, const char *text);

#endif
