#ifndef POSTERN_PAINT_H
#define POSTERN_PAINT_H

#include <stdbool.h>

/* Colours for a terminal; each is "" when colour is false. */
enum paint { PAINT_OFF, PAINT_BOLD, PAINT_RED, PAINT_GREEN, PAINT_YELLOW, PAINT_DIM };

const char *paint(bool colour, enum paint what);

/* The colour of a verdict: "accept", "reject", "tempfail", "would-reject" ... */
const char *paint_verdict(bool colour, const char *verdict);

#endif
