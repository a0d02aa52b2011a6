/*
 * The policies of open messages, in lists, so that old ones can be released while their messages
 * wait for the client. Owns a reference for each pin. t/unit/test_policy_pins.c covers it.
 */
#include "milter/shared/policy_pins.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdlib.h>

#define LISTS 64   /* so that messages seldom wait for each other */
#define AT_ONCE 64 /* policies that are replaced while a list is locked */

struct policy_pin_list {
	alignas(64) pthread_mutex_t lock;
	struct policy_pin *first;
};

struct policy_pins {
	struct policy_pin_list lists[LISTS];
	atomic_uint next; /* the list of the next pin, modulo LISTS */
};

struct policy_pins *policy_pins_new(void)
{
	struct policy_pins *pins = aligned_alloc(alignof(struct policy_pins), sizeof(*pins));

	if (pins == NULL)
		return NULL;
	atomic_init(&pins->next, 0);
	for (size_t i = 0; i < LISTS; i++) {
		(void)pthread_mutex_init(&pins->lists[i].lock, NULL);
		pins->lists[i].first = NULL;
	}
	return pins;
}

void policy_pins_free(struct policy_pins **pins)
{
	for (size_t i = 0; *pins != NULL && i < LISTS; i++)
		(void)pthread_mutex_destroy(&(*pins)->lists[i].lock);
	free(*pins);
	*pins = NULL;
}

void policy_pin(struct policy_pins *pins, struct policy_pin *pin, struct policy *policy)
{
	struct policy_pin_list *list = &pins->lists[atomic_fetch_add(&pins->next, 1) % LISTS];

	pin->list = list;
	atomic_init(&pin->policy, policy);
	(void)pthread_mutex_lock(&list->lock);
	pin->next = list->first;
	pin->link = &list->first;
	if (pin->next != NULL)
		pin->next->link = &pin->next;
	list->first = pin;
	(void)pthread_mutex_unlock(&list->lock);
}

void policy_unpin(struct policy_pin *pin)
{
	struct policy_pin_list *list = pin->list;
	struct policy *policy;

	if (list == NULL)
		return;
	(void)pthread_mutex_lock(&list->lock);
	*pin->link = pin->next;
	if (pin->next != NULL)
		pin->next->link = pin->link;
	(void)pthread_mutex_unlock(&list->lock);
	policy = atomic_load(&pin->policy);
	policy_unref(&policy);
	pin->list = NULL;
}

struct policy *policy_pin_get(struct policy_pin *pin)
{
	struct policy *policy;

	if (pin->list == NULL)
		return NULL;
	/* While the pin has none, renew() does not replace it. */
	policy = policy_ref(atomic_exchange(&pin->policy, NULL));
	atomic_store(&pin->policy, policy);
	return policy;
}

/* Replace the pinned policy if it is too old. Returns the old one, or NULL. The list is locked. */
static struct policy *renew(struct policy_pin *pin, struct policy *newest)
{
	struct policy *old = atomic_load(&pin->policy), *mine;

	if (old == NULL || policy_serial(newest) <= policy_serial(old) + POLICY_PINS_KEPT)
		return NULL;
	mine = policy_ref(newest);
	if (atomic_compare_exchange_strong(&pin->policy, &old, mine))
		return old;
	policy_unref(&mine);
	return NULL;
}

static void renew_list(struct policy_pin_list *list, struct policy *newest)
{
	struct policy *old[AT_ONCE];
	size_t count;

	/* The policies are freed without the lock, for which messages wait. */
	do {
		count = 0;
		(void)pthread_mutex_lock(&list->lock);
		for (struct policy_pin *pin = list->first; pin != NULL && count < AT_ONCE;
			pin = pin->next) {
			if ((old[count] = renew(pin, newest)) != NULL)
				count++;
		}
		(void)pthread_mutex_unlock(&list->lock);
		for (size_t i = 0; i < count; i++)
			policy_unref(&old[i]);
	} while (count == AT_ONCE);
}

void policy_pins_renew(struct policy_pins *pins, struct policy *newest)
{
	for (size_t i = 0; i < LISTS; i++)
		renew_list(&pins->lists[i], newest);
}
