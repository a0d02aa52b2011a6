#ifndef POSTERN_CALLBACKS_PRIVATE_H
#define POSTERN_CALLBACKS_PRIVATE_H

#include <libmilter/mfapi.h>

#include "milter/smtp/negotiate.h"

/* Public only for t/unit/test_negotiate.c. */

/*
 * Choose among the actions and steps that the MTA offers: decline the events that are not needed
 * and the answers that are never given. needs is narrowed to the abilities of this MTA.
 * Thread-safe.
 */
void callbacks_agree(struct needs *needs, unsigned long actions, unsigned long steps,
	unsigned long *actions_r, unsigned long *steps_r);

#endif
