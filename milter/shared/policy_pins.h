#ifndef POSTERN_POLICY_PINS_H
#define POSTERN_POLICY_PINS_H

#include <stdatomic.h>

#include "lib/rules/policy.h"

/*
 * The policies that judge open messages. A message is judged by one policy, but a client can keep
 * it open for days, and would thereby keep an old version of a large list in memory. Therefore the
 * newest policy takes the place of a pinned one that more than POLICY_PINS_KEPT policies have
 * followed. Any thread may call any function, but only one at a time those of one message.
 */
#define POLICY_PINS_KEPT 8

struct policy_pins;

/* The policy of one message. Its fields belong to policy_pins.c. */
struct policy_pin {
	struct policy_pin_list *list; /* NULL: no policy is pinned */
	struct policy_pin *next, **link;
	_Atomic(struct policy *) policy; /* NULL while policy_pin_get() takes a reference */
};

struct policy_pins *policy_pins_new(void); /* NULL when out of memory */
void policy_pins_free(struct policy_pins **pins);

/* Pin a policy, whose reference it takes over. *pin is zero, and stays where it is until
 * policy_unpin(). */
void policy_pin(struct policy_pins *pins, struct policy_pin *pin, struct policy *policy);
void policy_unpin(struct policy_pin *pin); /* accepts a pin that is zero, and leaves it so */

/* Return the pinned policy with a reference for the caller, or NULL if there is none. */
struct policy *policy_pin_get(struct policy_pin *pin);

/* Put the newest policy in the place of each pinned one that is too old. */
void policy_pins_renew(struct policy_pins *pins, struct policy *newest);

#endif
