#ifndef POSTERN_CALLBACKS_PRIVATE_H
#define POSTERN_CALLBACKS_PRIVATE_H

#include <libmilter/mfapi.h>

#include "milter/smtp/negotiate.h"

/* For callbacks.c and its unit test alone. */

/*
 * What to say to the MTA that offers these actions and steps: a step that isn't wanted or
 * isn't answered is said only when it offers that. needs is narrowed to what it can do.
 */
void callbacks_agree(struct needs *needs, unsigned long actions, unsigned long steps,
	unsigned long *actions_r, unsigned long *steps_r);

#endif
