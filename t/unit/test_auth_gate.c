/*
 * The gate of attempts to log in: the number under way at once by login and network, the attempts
 * that wait or are refused, and the success of guessers against owners. The clock is simulated.
 */
#include "lib/auth/auth_gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "t/unit/unit.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define TICKETS 700

static struct penalty *penalty;
static struct auth_gate *gate;
static struct gate_ticket tickets[TICKETS];
static uint32_t now;

static void setup(void)
{
	penalty = penalty_new(4096);
	gate = auth_gate_new(penalty);
	ck_assert_ptr_nonnull(gate);
	memset(tickets, 0, sizeof(tickets));
	now = 1000000;
}

static void teardown(void)
{
	for (int i = 0; i < TICKETS; i++)
		(void)auth_gate_leave(gate, &tickets[i], now);
	while (auth_gate_next(gate) != NULL)
		;
	ck_assert_uint_eq(auth_gate_waiting(gate), 0);
	auth_gate_free(&gate);
	ck_assert_ptr_null(gate);
	auth_gate_free(&gate); /* accepts NULL */
	penalty_free(&penalty);
}

/* The attempts: of one login or each of another; their network. */
enum who { BOB, EACH };
enum where { UNKNOWN, HOME, NEAR, FAR, NEXT, WIDE, VAST, TWO, THREE, SIX, MANY };
/* NEAR to HOME; WIDE, VAST: all over a /48, a /32; TWO, THREE, SIX: as many addresses, of a
 * provider each */

static struct penalty_keys keys_of(enum who who, enum where where, unsigned i)
{
	struct cidr client = { .family = AF_UNSPEC };
	char text[64];

	switch (where) {
	case UNKNOWN:
		return penalty_keys(who == BOB ? 7 : hash_bytes(&i, sizeof(i)), NULL);
	case HOME:
		(void)snprintf(text, sizeof(text), "192.0.2.1");
		break;
	case NEAR:
		(void)snprintf(text, sizeof(text), "192.0.99.1");
		break;
	case FAR:
		(void)snprintf(text, sizeof(text), "198.51.100.1");
		break;
	case NEXT:
		(void)snprintf(text, sizeof(text), "203.0.100.1");
		break;
	case WIDE:
		(void)snprintf(text, sizeof(text), "2001:db8:0:%x::1", i);
		break;
	case VAST:
		(void)snprintf(text, sizeof(text), "2001:db8:%x::1", i);
		break;
	case TWO:
	case THREE:
	case SIX:
		(void)snprintf(text, sizeof(text), "10.%u.0.1",
			i %
				(where == TWO		       ? 2 :
						where == THREE ? 3 :
								 6));
		break;
	case MANY:
		(void)snprintf(text, sizeof(text), "10.%u.%u.1", i / 256, i % 256);
		break;
	}
	ck_assert_int_eq(cidr_parse(text, &client, NULL), 0);
	return penalty_keys(who == BOB ? 7 : hash_bytes(&i, sizeof(i)), &client);
}

static void count_failures(enum who who, enum where where, unsigned i, unsigned times)
{
	const struct penalty_keys keys = keys_of(who, where, i);

	while (times-- > 0)
		penalty_failed(penalty, &keys, now);
}

static void succeed(enum who who, enum where where)
{
	const struct penalty_keys keys = keys_of(who, where, 0);

	penalty_succeeded(penalty, &keys, now);
}

static struct gate_ticket *displaced; /* by the last that entered */

static enum gate_result enter(struct gate_ticket *ticket, enum who who, enum where where,
	unsigned i, bool is_patient)
{
	enum gate_result result;

	*ticket = (struct gate_ticket){ .keys = keys_of(who, where, i), .is_patient = is_patient };
	result = auth_gate_enter(gate, ticket, now, &displaced);
	ck_assert(displaced == NULL || displaced->state == GATE_OUTSIDE);
	return result;
}

/* Earlier failures, and the results of many attempts at once. */
static const struct {
	const char *name;
	struct {
		enum who who;
		enum where where;
		unsigned times; /* for each of 600 numbers, from WIDE on */
	} failures;
	enum where succeeded; /* from where bob has succeeded; UNKNOWN: nowhere */
	struct {
		enum who who;
		enum where where;
		unsigned count;
		bool is_patient;
	} attempts;
	unsigned open, waiting;
} bounds[] = {
	/* without failures, all others wait for the first results */
	{ "one login from one network", { 0 }, UNKNOWN, { BOB, HOME, 100, false }, 2, 98 },
	{ "one login from everywhere", { 0 }, UNKNOWN, { BOB, MANY, 100, false }, 8, 92 },
	{ "one login from nowhere", { 0 }, UNKNOWN, { BOB, UNKNOWN, 100, false }, 3, 97 },
	{ "many logins from one network", { 0 }, UNKNOWN, { EACH, HOME, 100, false }, 32, 68 },
	{ "many logins from a /48", { 0 }, UNKNOWN, { EACH, WIDE, 600, false }, 128, 472 },
	{ "many logins from everywhere", { 0 }, UNKNOWN, { EACH, MANY, 600, false }, 600, 0 },
	{ "many logins from nowhere", { 0 }, UNKNOWN, { EACH, UNKNOWN, 600, false }, 600, 0 },
	{ "no more than 512 wait", { 0 }, UNKNOWN, { BOB, HOME, 600, false }, 2, 512 },
	{ "patient ones of one login", { 0 }, UNKNOWN, { BOB, UNKNOWN, 600, true }, 3, 512 },
	{ "patient ones of one network", { 0 }, UNKNOWN, { BOB, HOME, 600, true }, 2, 512 },
	/* a slowed network has few places, and nobody waits for them */
	{ "many logins, slowed", { EACH, HOME, 9 }, UNKNOWN, { EACH, HOME, 100, false }, 4, 0 },
	{ "bob, slowed, whose login is known", { EACH, HOME, 9 }, FAR, { BOB, HOME, 100, false }, 2,
		0 },
	{ "bob, slowed", { EACH, HOME, 9 }, UNKNOWN, { BOB, HOME, 100, false }, 2, 0 },
	{ "a slowed /48", { EACH, WIDE, 1 }, UNKNOWN, { EACH, WIDE, 600, false }, 16, 0 },
	/* unless only others at the login are in its way, and no more than have places */
	{ "slowed networks", { EACH, MANY, 9 }, UNKNOWN, { BOB, MANY, 600, false }, 3, 597 },
	{ "two slowed networks", { EACH, TWO, 9 }, UNKNOWN, { BOB, TWO, 100, false }, 3, 1 },
	{ "three slowed networks", { EACH, THREE, 9 }, UNKNOWN, { BOB, THREE, 100, false }, 3, 3 },
	{ "bob, all over a slowed /48", { EACH, WIDE, 9 }, UNKNOWN, { BOB, WIDE, 100, false }, 3,
		13 },
	{ "slowed networks, other logins", { EACH, MANY, 9 }, UNKNOWN, { EACH, MANY, 600, false },
		600, 0 },
	{ "a login that failed, from nowhere", { BOB, UNKNOWN, 9 }, UNKNOWN,
		{ BOB, UNKNOWN, 100, false }, 3, 0 },
	{ "patient ones still wait", { BOB, UNKNOWN, 9 }, UNKNOWN, { BOB, UNKNOWN, 100, true }, 3,
		97 },
	{ "patient ones, slowed", { EACH, HOME, 9 }, UNKNOWN, { EACH, HOME, 100, true }, 4, 96 },
	/* a login's failures take no places from networks without */
	{ "a login that failed", { BOB, FAR, 9 }, UNKNOWN, { BOB, HOME, 100, false }, 2, 98 },
	{ "a login that failed, from everywhere", { BOB, FAR, 9 }, UNKNOWN,
		{ BOB, MANY, 100, false }, 8, 92 },
	/* one place of a login is for networks without failures */
	{ "networks with a failure", { EACH, MANY, 1 }, UNKNOWN, { BOB, MANY, 100, false }, 7, 93 },
	/* trust: as many as may fail */
	{ "trusted", { 0 }, HOME, { BOB, HOME, 100, false }, 8, 92 },
	{ "trusted on a slowed network", { EACH, HOME, 60 }, HOME, { BOB, HOME, 100, false }, 8,
		92 },
	{ "trusted, with five failures", { BOB, HOME, 5 }, HOME, { BOB, HOME, 100, false }, 3, 97 },
	{ "trusted no more", { BOB, HOME, 8 }, HOME, { BOB, HOME, 100, false }, 2, 0 },
	{ "trusted elsewhere", { BOB, HOME, 8 }, FAR, { BOB, HOME, 100, false }, 2, 0 },
};
START_TEST(bounds_the_attempts_under_way)
	{
		const unsigned networks = bounds[_i].failures.where >= WIDE ? 600 : 1;
		unsigned got[GATE_FULL + 1] = { 0 }, gone = 0;

		if (bounds[_i].succeeded != UNKNOWN)
			succeed(BOB, bounds[_i].succeeded);
		for (unsigned i = 0; i < networks; i++)
			count_failures(bounds[_i].failures.who, bounds[_i].failures.where, i,
				bounds[_i].failures.times);
		for (unsigned i = 0; i < bounds[_i].attempts.count; i++) {
			got[enter(&tickets[i], bounds[_i].attempts.who, bounds[_i].attempts.where,
				i, bounds[_i].attempts.is_patient)]++;
			gone += displaced != NULL;
		}
		ck_assert_msg(got[GATE_OPEN] == bounds[_i].open &&
				got[GATE_WAIT] - gone == bounds[_i].waiting,
			"%s: %u open, %u wait", bounds[_i].name, got[GATE_OPEN],
			got[GATE_WAIT] - gone);
		ck_assert_uint_eq(auth_gate_waiting(gate), bounds[_i].waiting);
	}
END_TEST

/* Let a ticket leave, and return how many the gate opens for. */
static unsigned leave(struct gate_ticket *ticket, bool failed, bool succeeded)
{
	unsigned opened = 0;

	if (failed)
		penalty_failed(penalty, &ticket->keys, now);
	if (succeeded)
		penalty_succeeded(penalty, &ticket->keys, now);
	(void)auth_gate_leave(gate, ticket, now);
	while (auth_gate_next(gate) != NULL)
		opened++;
	return opened;
}

START_TEST(opens_in_the_order_of_arrival)
	{
		for (unsigned i = 0; i < 5; i++)
			(void)enter(&tickets[i], BOB, HOME, i, false);
		for (unsigned i = 2; i < 5; i++) {
			ck_assert(auth_gate_leave(gate, &tickets[i - 2], now));
			ck_assert_ptr_eq(auth_gate_next(gate), &tickets[i]);
			ck_assert_ptr_null(auth_gate_next(gate));
		}
		ck_assert(!auth_gate_leave(gate, &tickets[3], now));
		ck_assert(!auth_gate_leave(gate, &tickets[3], now)); /* outside */
	}
END_TEST

START_TEST(the_first_success_lets_in_those_who_wait)
	{
		for (unsigned i = 0; i < 100; i++)
			(void)enter(&tickets[i], BOB, HOME, i, false);
		ck_assert_uint_eq(leave(&tickets[0], false, true), 7); /* eight under way */
		ck_assert(tickets[9 - 1].is_trusted);
		ck_assert_uint_eq(tickets[8].delay_ms, 0);
	}
END_TEST

START_TEST(who_waited_is_delayed_by_the_failures_until_then)
	{
		for (unsigned i = 0; i < 4; i++)
			(void)enter(&tickets[i], BOB, HOME, i, false);
		ck_assert_uint_eq(leave(&tickets[0], true, false), 1);
		ck_assert_uint_eq(tickets[2].delay_ms, 0);
		ck_assert_uint_eq(leave(&tickets[1], true, false), 1);
		ck_assert_uint_eq(tickets[3].delay_ms, 500);
	}
END_TEST

START_TEST(who_leaves_while_waiting_opens_for_nobody)
	{
		for (unsigned i = 0; i < 4; i++)
			(void)enter(&tickets[i], BOB, HOME, i, false);
		ck_assert_uint_eq(leave(&tickets[2], false, false), 0);
		ck_assert_uint_eq(auth_gate_waiting(gate), 1);
		ck_assert(auth_gate_leave(gate, &tickets[0], now));
		ck_assert(!auth_gate_leave(gate, &tickets[3], now)); /* opened, not fetched yet */
		ck_assert_ptr_null(auth_gate_next(gate));
	}
END_TEST

START_TEST(who_waits_for_one_key_may_have_to_wait_for_the_next)
	{
		unsigned n = 0;

		for (unsigned i = 0; i < 2; i++) /* bob's two places at home */
			(void)enter(&tickets[n++], BOB, HOME, i, false);
		for (unsigned i = 0; i < 6; i++) /* bob's other places */
			(void)enter(&tickets[n++], BOB, MANY, i, false);
		ck_assert_int_eq(enter(&tickets[n], BOB, HOME, 0, false), GATE_WAIT);
		ck_assert_int_eq(enter(&tickets[n + 1], BOB, FAR, 0, false), GATE_WAIT);
		ck_assert(auth_gate_leave(gate, &tickets[2], now)); /* a place of bob's */
		ck_assert_ptr_eq(auth_gate_next(gate), &tickets[n + 1]);
		ck_assert(auth_gate_leave(gate, &tickets[0], now)); /* one at home */
		ck_assert_ptr_eq(auth_gate_next(gate), &tickets[n]);
	}
END_TEST

START_TEST(a_full_slowed_network_does_not_reveal_which_logins_exist)
	{
		succeed(BOB, FAR);
		count_failures(EACH, HOME, 0, 9);
		for (unsigned i = 0; i < 4; i++)
			ck_assert_int_eq(enter(&tickets[i], EACH, HOME, i, false), GATE_OPEN);
		ck_assert_int_eq(enter(&tickets[4], EACH, HOME, 4, false), GATE_FULL);
		ck_assert_int_eq(enter(&tickets[5], BOB, HOME, 0, false), GATE_FULL);
	}
END_TEST

/* The guesser occupies the login's other places from networks without failures. */
START_TEST(a_slowed_network_near_the_owner_s_does_not_reveal_which_logins_exist)
	{
		succeed(BOB, HOME);
		count_failures(EACH, NEAR, 0, 9);
		for (unsigned i = 0; i < 8; i++)
			ck_assert_int_eq(enter(&tickets[i], BOB, MANY, i, false), GATE_OPEN);
		ck_assert_int_eq(enter(&tickets[8], BOB, NEAR, 0, false), GATE_WAIT);
		ck_assert_uint_eq(penalty_reset(penalty, &tickets[8].keys), 1);
		ck_assert_int_eq(enter(&tickets[9], BOB, NEAR, 0, false), GATE_OPEN);
	}
END_TEST

START_TEST(networks_with_failures_leave_a_place_of_a_login)
	{
		for (unsigned i = 0; i < 8; i++)
			count_failures(EACH, MANY, i, 1);
		for (unsigned i = 0; i < 7; i++)
			ck_assert_int_eq(enter(&tickets[i], BOB, MANY, i, false), GATE_OPEN);
		ck_assert_int_eq(enter(&tickets[7], BOB, MANY, 7, false), GATE_WAIT);
		ck_assert_int_eq(enter(&tickets[8], BOB, FAR, 0, false), GATE_OPEN);
	}
END_TEST

/* Those near one from which the login has succeeded have two further places. */
START_TEST(networks_with_failures_near_the_owner_s_leave_a_place_of_a_login)
	{
		const struct penalty_keys home = keys_of(BOB, MANY, 0);

		penalty_succeeded(penalty, &home, now);
		for (unsigned i = 1; i <= 10; i++)
			count_failures(EACH, MANY, i, 1);
		for (unsigned i = 1; i <= 9; i++)
			ck_assert_int_eq(enter(&tickets[i], BOB, MANY, i, false), GATE_OPEN);
		ck_assert_int_eq(enter(&tickets[10], BOB, MANY, 10, false), GATE_WAIT);
		ck_assert_int_eq(enter(&tickets[11], BOB, FAR, 0, false), GATE_OPEN);
		ck_assert_int_eq(enter(&tickets[12], BOB, NEXT, 0, false), GATE_WAIT);
	}
END_TEST

static enum gate_result enter_claimed(struct gate_ticket *ticket, enum where where, unsigned i)
{
	*ticket = (struct gate_ticket){ .keys = keys_of(BOB, where, i) };
	penalty_set_apart(&ticket->keys);
	return auth_gate_enter(gate, ticket, now, &displaced);
}

/* A local process may claim a network without failures for each attempt. */
START_TEST(claimed_networks_leave_a_place_of_a_login)
	{
		for (unsigned i = 0; i < 7; i++)
			ck_assert_int_eq(enter_claimed(&tickets[i], MANY, i), GATE_OPEN);
		ck_assert_int_eq(enter_claimed(&tickets[7], MANY, 7), GATE_WAIT);
		ck_assert_int_eq(enter(&tickets[8], BOB, FAR, 0, false), GATE_OPEN);
		ck_assert_int_eq(enter(&tickets[9], BOB, HOME, 0, false), GATE_WAIT);
		ck_assert_uint_eq(leave(&tickets[0], false, false), 1);
		ck_assert_int_eq(tickets[9].state, GATE_UNDER_WAY); /* before the claimed one */
		ck_assert_uint_eq(leave(&tickets[8], false, false), 1);
		ck_assert_int_eq(tickets[7].state, GATE_UNDER_WAY);
	}
END_TEST

/* An MTA may use that socket, too, and one of its clients may be the owner. */
START_TEST(claimed_networks_with_failures_leave_a_place_for_those_without)
	{
		for (unsigned i = 0; i < 7; i++) {
			struct penalty_keys keys = keys_of(EACH, MANY, i);

			penalty_set_apart(&keys);
			penalty_failed(penalty, &keys, now);
		}
		for (unsigned i = 0; i < 6; i++)
			ck_assert_int_eq(enter_claimed(&tickets[i], MANY, i), GATE_OPEN);
		ck_assert_int_eq(enter_claimed(&tickets[6], MANY, 6), GATE_WAIT);
		ck_assert_int_eq(enter_claimed(&tickets[7], FAR, 0), GATE_OPEN);
		ck_assert_int_eq(enter_claimed(&tickets[8], HOME, 0), GATE_WAIT);
	}
END_TEST

/* Networks near one from which the login has succeeded at that socket have two further places. */
START_TEST(claimed_networks_near_the_owner_s_leave_a_place_of_a_login)
	{
		struct penalty_keys home = keys_of(BOB, MANY, 0);

		penalty_set_apart(&home);
		penalty_succeeded(penalty, &home, now);
		for (unsigned i = 1; i <= 9; i++)
			ck_assert_int_eq(enter_claimed(&tickets[i], MANY, i), GATE_OPEN);
		ck_assert_int_eq(enter_claimed(&tickets[10], MANY, 10), GATE_WAIT);
		ck_assert_int_eq(enter(&tickets[11], BOB, FAR, 0, false), GATE_OPEN);
		ck_assert_int_eq(enter(&tickets[12], BOB, NEXT, 0, false), GATE_WAIT);
	}
END_TEST

/* ---- guessers ---------------------------------------------------------------------- */

/*
 * One guesser with GUESSERS connections: each begins the next guess as soon as it may, and has
 * hung up long before. A check takes no time, so that an attempt is under way for its delay alone,
 * or a tick. Returns the number of checks in `seconds`.
 */
#define GUESSERS 24
#define TICK_MS unit_times_or(250, 4 * 250)
#define WAIT_MS 3500 /* for which an attempt waits */

static uint64_t now_ms, begun[GUESSERS], due[GUESSERS + 1]; /* also for an owner who waits */

static void end_due_guesses(unsigned *checked)
{
	for (unsigned i = 0; i < GUESSERS; i++) {
		if (tickets[i].state == GATE_WAITING && now_ms - begun[i] >= WAIT_MS)
			(void)auth_gate_leave(gate, &tickets[i], now);
		if (tickets[i].state != GATE_UNDER_WAY || due[i] > now_ms)
			continue;
		penalty_failed(penalty, &tickets[i].keys, now);
		(void)auth_gate_leave(gate, &tickets[i], now);
		(*checked)++;
	}
}

static void begin_guesses(enum who who, enum where where)
{
	static unsigned guess;
	struct gate_ticket *ticket;

	for (unsigned i = 0; i < GUESSERS; i++) {
		if (tickets[i].state != GATE_OUTSIDE)
			continue;
		begun[i] = now_ms;
		if (enter(&tickets[i], who, where, guess++ % 60000, false) == GATE_OPEN)
			due[i] = now_ms + tickets[i].delay_ms;
	}
	while ((ticket = auth_gate_next(gate)) != NULL)
		due[ticket - tickets] = now_ms + ticket->delay_ms;
}

static unsigned guess_for_ms(uint64_t ms, enum who who, enum where where)
{
	const uint64_t end = now_ms + ms;
	unsigned checked = 0;

	for (; now_ms < end; now_ms += TICK_MS) {
		now = 1000000 + (uint32_t)(now_ms / 1000);
		end_due_guesses(&checked);
		begin_guesses(who, where);
	}
	return checked;
}

static unsigned guess_for(unsigned seconds, enum who who, enum where where)
{
	return guess_for_ms(seconds * UINT64_C(1000), who, where);
}

static const struct {
	enum who who;
	enum where where;
	unsigned most; /* checks in two minutes, after the first */
} guessers[] = {
	{ BOB, HOME, 2 * 120 / 4 },    /* two places, each for 4.5 s */
	{ EACH, HOME, 4 * 120 / 4 },   /* four */
	{ EACH, WIDE, 16 * 120 / 4 },  /* sixteen */
	{ BOB, WIDE, 8 * 120 / 4 },    /* eight */
	{ BOB, MANY, 8 * 120 / 4 },    /* eight */
	{ BOB, UNKNOWN, 3 * 120 / 4 }, /* three */
};
START_TEST(a_guesser_has_a_few_guesses_per_second)
	{
		unsigned checked;

		now_ms = 0;
		(void)guess_for(60, guessers[_i].who, guessers[_i].where);
		checked = guess_for(120, guessers[_i].who, guessers[_i].where);
		ck_assert_msg(checked <= guessers[_i].most, "%u checks", checked);
		ck_assert_uint_gt(checked, 0);
	}
END_TEST

/* Successes between the guesses: of the guesser's own login, and of the owner from elsewhere. */
START_TEST(successes_do_not_help_a_guesser)
	{
		const struct penalty_keys logins[] = { keys_of(EACH, HOME, 1),
			keys_of(BOB, FAR, 0) };
		unsigned checked = 0;

		now_ms = 0;
		for (int i = 0; i < 120; i++) {
			penalty_succeeded(penalty, &logins[_i], now);
			checked += guess_for(1, BOB, HOME);
		}
		ck_assert_msg(checked <= 2 * 120 / 4 + 10, "%u checks", checked);
	}
END_TEST

START_TEST(a_guesser_in_the_owner_s_network_is_bounded_too)
	{
		unsigned checked;

		succeed(BOB, HOME);
		now_ms = 0;
		checked = guess_for(120, BOB, HOME);
		ck_assert_msg(checked <= 2 * 120 / 4 + 8 + 2 + 10, "%u checks", checked);
	}
END_TEST

/* Guessers, the network of bob's success, and his present one: he has a place at once. */
static const struct {
	enum who who;
	enum where where, succeeded, owner; /* succeeded UNKNOWN: nowhere */
	uint32_t delay;
} owners[] = {
	{ BOB, FAR, HOME, HOME, 0 },
	{ BOB, FAR, UNKNOWN, HOME, PENALTY_MAX_MS },
	{ EACH, HOME, HOME, HOME, 0 },
	{ BOB, MANY, HOME, HOME, 0 },
	{ BOB, WIDE, HOME, HOME, 0 },
	{ BOB, UNKNOWN, UNKNOWN, HOME, PENALTY_MAX_MS },
	{ EACH, WIDE, UNKNOWN, HOME, 0 },
	{ BOB, MANY, HOME, NEAR, PENALTY_MAX_MS },
	{ BOB, WIDE, UNKNOWN, HOME, PENALTY_MAX_MS },
};
START_TEST(a_guesser_does_not_lock_the_owner_out)
	{
		struct gate_ticket *owner = &tickets[GUESSERS];

		if (owners[_i].succeeded != UNKNOWN)
			succeed(BOB, owners[_i].succeeded);
		now_ms = 0;
		(void)guess_for(10, owners[_i].who, owners[_i].where);
		for (int i = 0; i < 60; i++) {
			(void)guess_for(1, owners[_i].who, owners[_i].where);
			ck_assert_int_eq(enter(owner, BOB, owners[_i].owner, 0, false), GATE_OPEN);
			ck_assert_uint_eq(owner->delay_ms, owners[_i].delay);
			(void)auth_gate_leave(gate, owner, now);
		}
	}
END_TEST

/* Guessers who try again at once, and the owner, who is trusted nowhere and far from them. He has a
 * place in most of his tries. */
static const struct {
	enum where guessers;
	unsigned slowed; /* how often a device with an old password has failed in the owner's
			    network */
	enum who device; /* whose it is: the owner's, or somebody else's */
} contests[] = { { TWO, 9, EACH }, { THREE, 9, EACH }, { SIX, 9, EACH }, { WIDE, 9, EACH },
	{ VAST, 0, EACH }, { VAST, 9, EACH }, { TWO, 9, BOB }, { THREE, 9, BOB }, { SIX, 9, BOB },
	{ WIDE, 9, BOB }, { VAST, 9, BOB } };
START_TEST(an_owner_has_a_turn_among_guessers_who_try_again_at_once)
	{
		struct gate_ticket *owner = &tickets[GUESSERS];
		unsigned refused = 0;

		now_ms = 0;
		(void)guess_for(15, BOB, contests[_i].guessers);
		for (int i = 0; i < 20; i++) {
			const uint64_t end = now_ms + WAIT_MS;

			if (contests[_i].device == EACH || i == 0)
				count_failures(contests[_i].device, HOME, 1, contests[_i].slowed);
			(void)enter(owner, BOB, HOME, 0, false);
			while (owner->state == GATE_WAITING && now_ms < end)
				(void)guess_for_ms(TICK_MS, BOB, contests[_i].guessers);
			refused += owner->state == GATE_OUTSIDE || owner->state == GATE_WAITING;
			(void)auth_gate_leave(gate, owner, now);
			(void)guess_for_ms(i * 37 % 18 * TICK_MS, BOB, contests[_i].guessers);
		}
		ck_assert_msg(refused <= 10, "%u tries of 20 were refused", refused);
	}
END_TEST

/* A device of the owner's with an old password has ended the trust, but he has no places to share
 * with guessers elsewhere. */
START_TEST(guessers_elsewhere_take_no_places_from_a_network_where_the_login_has_succeeded)
	{
		struct gate_ticket *owner = &tickets[GUESSERS];

		succeed(BOB, HOME);
		count_failures(BOB, HOME, 0, 9);
		now_ms = 0;
		(void)guess_for(15, BOB, SIX);
		for (int i = 0; i < 20; i++) {
			(void)guess_for(1, BOB, SIX);
			count_failures(BOB, HOME, 0, 1);
			ck_assert_int_eq(enter(owner + 1, BOB, FAR, 0, false), GATE_OPEN);
			ck_assert_int_eq(enter(owner, BOB, HOME, 0, false), GATE_OPEN);
			ck_assert_uint_eq(owner->delay_ms, PENALTY_MAX_MS);
			ck_assert(!owner->is_trusted);
			(void)auth_gate_leave(gate, owner, now);
			(void)auth_gate_leave(gate, owner + 1, now);
		}
		for (unsigned i = 0; i < 100; i++)
			(void)enter(&tickets[100 + i], BOB, MANY, i, false);
		ck_assert_int_eq(enter(owner + 1, BOB, FAR, 0, false), GATE_WAIT); /* all is full */
		ck_assert_int_eq(enter(owner, BOB, HOME, 0, false), GATE_OPEN);
		ck_assert_int_eq(enter(owner + 2, BOB, HOME, 0, false), GATE_OPEN);
		ck_assert_int_eq(enter(owner + 3, BOB, HOME, 0, false), GATE_FULL);
	}
END_TEST

/* Places go first to areas without attempts at the login that have failed or are under way. */
START_TEST(an_area_that_has_not_failed_at_the_login_goes_first)
	{
		static const char *const failed[] = { "198.51.7.1", "198.51.7.1", "203.0.113.1" };
		struct cidr client;

		for (int i = 0; i < COUNT(failed); i++) {
			struct penalty_keys keys;

			ck_assert_int_eq(cidr_parse(failed[i], &client, NULL), 0);
			keys = penalty_keys(7, &client);
			penalty_failed(penalty, &keys, now);
		}
		for (unsigned i = 0; i < 8; i++)
			ck_assert_int_eq(enter(&tickets[i], BOB, MANY, i, false), GATE_OPEN);
		ck_assert_int_eq(enter(&tickets[8], BOB, FAR, 0, false), GATE_WAIT);
		ck_assert_int_eq(enter(&tickets[9], BOB, NEXT, 0, false), GATE_WAIT);
		ck_assert_int_eq(enter(&tickets[10], BOB, HOME, 0, false), GATE_WAIT);
		for (unsigned i = 0; i < 3; i++) {
			ck_assert(auth_gate_leave(gate, &tickets[i], now));
			ck_assert_ptr_eq(auth_gate_next(gate), &tickets[10 - i]);
			ck_assert_ptr_null(auth_gate_next(gate));
		}
	}
END_TEST

/* Of those with more than one, the area whose last attempt is the longest ago goes first. */
START_TEST(areas_that_have_failed_at_the_login_take_turns)
	{
		static const struct {
			enum where where;
			unsigned failures, next_s;
		} areas[] = { { HOME, 9, 30 }, { NEXT, 2, 8 }, { FAR, 2, 2 } };

		for (int i = 0; i < COUNT(areas); i++) {
			count_failures(BOB, areas[i].where, 0, areas[i].failures);
			now += areas[i].next_s;
		}
		for (unsigned i = 0; i < 8; i++)
			ck_assert_int_eq(enter(&tickets[i], BOB, MANY, i, false), GATE_OPEN);
		for (int i = COUNT(areas); i-- > 0;)
			ck_assert_int_eq(enter(&tickets[8 + i], BOB, areas[i].where, 0, false),
				GATE_WAIT);
		for (int i = 0; i < COUNT(areas); i++) {
			ck_assert(auth_gate_leave(gate, &tickets[i], now));
			ck_assert_ptr_eq(auth_gate_next(gate), &tickets[8 + i]);
			ck_assert_ptr_null(auth_gate_next(gate));
		}
	}
END_TEST

START_TEST(slowed_networks_leave_places_of_a_login_free)
	{
		for (unsigned i = 0; i < 600; i++)
			count_failures(EACH, MANY, i, 9);
		for (unsigned i = 0; i < 600; i++)
			(void)enter(&tickets[i], BOB, MANY, i, false);
		ck_assert_int_eq(enter(&tickets[600], BOB, HOME, 0, false), GATE_OPEN);
	}
END_TEST

START_TEST(patient_attempts_of_one_login_leave_others_alone)
	{
		for (unsigned i = 0; i < 600; i++)
			(void)enter(&tickets[i], BOB, UNKNOWN, i, true);
		ck_assert_int_eq(enter(&tickets[600], EACH, UNKNOWN, 1, true), GATE_OPEN);
	}
END_TEST

/* Behind saslauthd nothing tells the owner from guessers, but they wait from answer to answer,
 * while he has just come. */
START_TEST(of_patient_attempts_without_a_network_most_places_go_to_the_newest)
	{
		static const unsigned order[] = { 3, 9, 8, 7, 4, 6, 5 };

		for (unsigned i = 0; i < 10; i++)
			(void)enter(&tickets[i], BOB, UNKNOWN, i, true);
		ck_assert_uint_eq(auth_gate_waiting(gate), 7);
		for (unsigned i = 0; i < COUNT(order); i++) {
			struct gate_ticket *place = &tickets[i < 3 ? i : order[i - 3]];

			ck_assert(auth_gate_leave(gate, place, now));
			ck_assert_ptr_eq(auth_gate_next(gate), &tickets[order[i]]);
			ck_assert_ptr_null(auth_gate_next(gate));
		}
	}
END_TEST

START_TEST(if_too_many_wait_the_newest_displaces_the_oldest)
	{
		for (unsigned i = 0; i < 3 + GATE_WAITING_MAX; i++) {
			(void)enter(&tickets[i], BOB, UNKNOWN, i, true);
			ck_assert_ptr_null(displaced);
		}
		for (unsigned i = 0; i < 2; i++) {
			ck_assert_int_eq(enter(&tickets[600 + i], BOB, UNKNOWN, 0, true),
				GATE_WAIT);
			ck_assert_ptr_eq(displaced, &tickets[3 + i]);
		}
		/* one of Dovecot's protocol without an address, for which it can be refused */
		ck_assert_int_eq(enter(&tickets[602], BOB, UNKNOWN, 0, false), GATE_FULL);
		ck_assert_ptr_null(displaced);
		ck_assert_uint_eq(auth_gate_waiting(gate), GATE_WAITING_MAX);
		(void)auth_gate_leave(gate, &tickets[0], now); /* the turn of the oldest */
		ck_assert_ptr_eq(auth_gate_next(gate), &tickets[5]);
		(void)auth_gate_leave(gate, &tickets[1], now);
		ck_assert_ptr_eq(auth_gate_next(gate), &tickets[601]);
	}
END_TEST

START_TEST(attempts_from_many_networks_leave_room_for_those_without)
	{
		for (unsigned i = 0; i < 600; i++)
			(void)enter(&tickets[i], BOB, MANY, i, false);
		ck_assert_int_eq(enter(&tickets[600], BOB, UNKNOWN, 0, true), GATE_WAIT);
		ck_assert_int_eq(enter(&tickets[601], BOB, UNKNOWN, 0, true), GATE_WAIT);
		ck_assert_ptr_null(displaced);
		ck_assert_int_eq(enter(&tickets[602], BOB, FAR, 0, false), GATE_WAIT);
		for (unsigned i = 8; i < 600; i++) /* they give up; those under way stay */
			(void)auth_gate_leave(gate, &tickets[i], now);
		(void)auth_gate_leave(gate, &tickets[0], now);
		ck_assert_ptr_eq(auth_gate_next(gate), &tickets[600]); /* the turn of the oldest */
		ck_assert_int_eq(enter(&tickets[603], BOB, UNKNOWN, 0, true), GATE_WAIT);
		ck_assert_int_eq(enter(&tickets[604], BOB, HOME, 0, false), GATE_WAIT);
		(void)auth_gate_leave(gate, &tickets[1], now);
		ck_assert_ptr_eq(auth_gate_next(gate), &tickets[603]); /* the newest */
		(void)auth_gate_leave(gate, &tickets[2], now);
		ck_assert_ptr_eq(auth_gate_next(gate), &tickets[602]); /* the third is for others */
	}
END_TEST

/* The guessers share the three places of slowed networks, and begin again at once. One place is
 * left to attempts whose network is known. */
START_TEST(guessers_without_a_network_leave_a_place_to_slowed_ones)
	{
		struct gate_ticket *owner = &tickets[10];

		count_failures(EACH, HOME, 0, 9);
		for (unsigned i = 0; i < 10; i++)
			(void)enter(&tickets[i], BOB, UNKNOWN, 0, true);
		for (unsigned i = 0; i < 20; i++) {
			unsigned t = 0;

			ck_assert_int_eq(enter(owner, BOB, HOME, 0, false), GATE_WAIT);
			while (tickets[t].state != GATE_UNDER_WAY)
				t++;
			ck_assert_uint_eq(leave(&tickets[t], true, false), 1);
			ck_assert_int_eq(owner->state, GATE_UNDER_WAY);
			(void)enter(&tickets[t], BOB, UNKNOWN, 0, true);
			ck_assert_uint_eq(leave(owner, false, false), 1);
		}
	}
END_TEST

/* Let one of many guessers at bob enter: it has no address, claims one, or has failed elsewhere;
 * and it is near the owner's network or not. */
static void enter_guesser(struct gate_ticket *ticket, unsigned random)
{
	const unsigned i = random % 40, kind = random / 64 % 4;
	const bool is_near = random / 256 % 2 == 0;

	if (kind == 0) {
		(void)enter(ticket, BOB, UNKNOWN, 0, random / 512 % 2 == 0);
		return;
	}
	*ticket = (struct gate_ticket){ .keys = keys_of(BOB, MANY, is_near ? i : 256 * (1 + i)) };
	if (kind == 1)
		penalty_set_apart(&ticket->keys);
	if ((kind != 1 || random / 512 % 2 == 0) &&
		penalty_view(penalty, &ticket->keys, now).is_clean)
		penalty_failed(penalty, &ticket->keys, now);
	(void)auth_gate_enter(gate, ticket, now, &displaced);
}

/* A network without failures finds a place, however guessers of all other kinds are mixed. */
START_TEST(no_mixture_of_guessers_takes_the_last_place_of_a_login)
	{
		struct penalty_keys home = keys_of(BOB, MANY, 255);
		struct gate_ticket *owner = &tickets[TICKETS - 1];
		unsigned random = 1;

		penalty_succeeded(penalty, &home, now);
		penalty_set_apart(&home);
		penalty_succeeded(penalty, &home, now);
		for (unsigned i = 0; i < unit_times(20000); i++) {
			struct gate_ticket *ticket;

			random = random * 1103515245U + 12345U;
			ticket = &tickets[random / 65536 % 100];
			if (ticket->state == GATE_OUTSIDE)
				enter_guesser(ticket, random / 16);
			else
				(void)leave(ticket, false, false);
			ck_assert_int_eq(enter(owner, BOB, MANY, 256 * 100 + i, false), GATE_OPEN);
			(void)leave(owner, false, false);
		}
	}
END_TEST

START_TEST(any_course_of_events_leaves_the_gate_empty)
	{
		unsigned random = 1;

		for (unsigned i = 0; i < unit_times(20000); i++) {
			struct gate_ticket *ticket;

			random = random * 1103515245U + 12345U;
			ticket = &tickets[random / 65536 % 300];
			if (ticket->state == GATE_OUTSIDE)
				(void)enter(ticket, random / 7 % 4 == 0 ? EACH : BOB,
					random / 11 % (MANY + 1), random / 13 % 4,
					random / 17 % 3 == 0);
			else
				(void)leave(ticket, random / 19 % 4 == 0, random / 23 % 64 == 0);
			if (i % 100 == 0)
				now++;
		}
	}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("auth_gate");
	TCase *tcase = tcase_create("auth_gate");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, bounds_the_attempts_under_way, 0, COUNT(bounds));
	tcase_add_test(tcase, opens_in_the_order_of_arrival);
	tcase_add_test(tcase, the_first_success_lets_in_those_who_wait);
	tcase_add_test(tcase, who_waited_is_delayed_by_the_failures_until_then);
	tcase_add_test(tcase, who_leaves_while_waiting_opens_for_nobody);
	tcase_add_test(tcase, who_waits_for_one_key_may_have_to_wait_for_the_next);
	tcase_add_test(tcase, a_full_slowed_network_does_not_reveal_which_logins_exist);
	tcase_add_test(tcase, a_slowed_network_near_the_owner_s_does_not_reveal_which_logins_exist);
	tcase_add_test(tcase, networks_with_failures_leave_a_place_of_a_login);
	tcase_add_test(tcase, networks_with_failures_near_the_owner_s_leave_a_place_of_a_login);
	tcase_add_test(tcase, claimed_networks_leave_a_place_of_a_login);
	tcase_add_test(tcase, claimed_networks_near_the_owner_s_leave_a_place_of_a_login);
	tcase_add_test(tcase, claimed_networks_with_failures_leave_a_place_for_those_without);
	tcase_add_loop_test(tcase, a_guesser_has_a_few_guesses_per_second, 0, COUNT(guessers));
	tcase_add_loop_test(tcase, successes_do_not_help_a_guesser, 0, 2);
	tcase_add_test(tcase, a_guesser_in_the_owner_s_network_is_bounded_too);
	tcase_add_loop_test(tcase, a_guesser_does_not_lock_the_owner_out, 0, COUNT(owners));
	tcase_add_loop_test(tcase, an_owner_has_a_turn_among_guessers_who_try_again_at_once, 0,
		COUNT(contests));
	tcase_add_test(tcase,
		guessers_elsewhere_take_no_places_from_a_network_where_the_login_has_succeeded);
	tcase_add_test(tcase, an_area_that_has_not_failed_at_the_login_goes_first);
	tcase_add_test(tcase, areas_that_have_failed_at_the_login_take_turns);
	tcase_add_test(tcase, slowed_networks_leave_places_of_a_login_free);
	tcase_add_test(tcase, patient_attempts_of_one_login_leave_others_alone);
	tcase_add_test(tcase, of_patient_attempts_without_a_network_most_places_go_to_the_newest);
	tcase_add_test(tcase, if_too_many_wait_the_newest_displaces_the_oldest);
	tcase_add_test(tcase, attempts_from_many_networks_leave_room_for_those_without);
	tcase_add_test(tcase, guessers_without_a_network_leave_a_place_to_slowed_ones);
	tcase_add_test(tcase, no_mixture_of_guessers_takes_the_last_place_of_a_login);
	tcase_add_test(tcase, any_course_of_events_leaves_the_gate_empty);
	suite_add_tcase(suite, tcase);
	return suite;
}
UNIT_MAIN(make_suite)
