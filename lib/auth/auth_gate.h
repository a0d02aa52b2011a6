#ifndef POSTERN_AUTH_GATE_H
#define POSTERN_AUTH_GATE_H

#include <sys/queue.h>

#include "lib/auth/penalty.h"

/*
 * The gate of attempts to log in: it bounds those under way at once, by login and by network. An
 * attempt enters; it is under way from the moment at which the gate opens for it until it leaves.
 * Meanwhile it waits out its delay and is checked. It leaves when its result is known, even if its
 * client has gone or has been answered before, or when it is given up unchecked. So the checks of
 * one login or network that are delayed are, in any time, never more than that time divided by the
 * delay, times the places, however many connections a guesser opens and closes.
 *
 *   places under way                    at most   of them, from slowed networks
 *   one login, from one network            2                 2
 *   one login                              8, 10 if near     3
 *   one network                           32                 4
 *   one wide network                     128                16
 *
 * A network is slowed if its failures, or those of its wide network, cause a delay; one that is not
 * known counts as slowed, but has no places of its own. Networks with a failure, also in their wide
 * network, those that are not known, and those that any process of this machine may have claimed
 * (penalty_set_apart()) together have at most seven of the eight places of a login. They can
 * therefore never take all of them, nor can any one network. Claimed networks with failures have at
 * most six, because the process can claim another network for each attempt. Two further places of a
 * login are for networks near one from which it has succeeded (an IPv4 /16, an IPv6 /32), unless
 * they are slowed, so that its owner finds a place although a guesser's many networks take the
 * others. Near networks thus have two places more than the numbers above. Nothing distinguishes an
 * owner who comes from somewhere else from networks that have not failed yet; such an attempt may
 * have to be repeated. In a slowed network, no place depends on where else a login has succeeded: a
 * guesser who occupies the others would see which logins are refused at once and which are delayed,
 * and so which exist.
 *
 * An attempt that penalty_view() trusts has no delay, and takes a place only in the first row,
 * where its bound is not 2 but the failures that trust allows: those under way count as failures
 * until their results are known. When the trust has ended, an attempt from such a network
 * (view.is_known) has a delay and takes the places of its networks, but none of the login's: the
 * guessers elsewhere who occupy them do not hold it up.
 *
 * An attempt that finds no place waits for one or is refused: if GATE_WAITING_MAX attempts of its
 * network (of its login without a network, if its network is not known) wait already, or if its
 * network is slowed, a delay is due, and the attempts from its networks that wait or are under way
 * fill the places of these. A slowed attempt thus waits only for others at its login. If it were
 * refused, the client that tries again most often would get each place, and two guessers would lock
 * the owner out. A patient attempt is not refused for a delay.
 *
 * Places go to attempts in the order of arrival, but first to those from areas (IPv4 /16, IPv6 /32)
 * with no other attempt at the same login that is under way, or has failed and is not forgiven,
 * then to those with one. Areas with more take turns: the one whose last attempt is the longest ago
 * is the next, where ages count in powers of two, up to 64 s. An owner who has just come thus goes
 * before guessers who try again and again, even if a device of his fails now and then, unless they
 * have new providers for each guess; and a guesser near the owner cannot place him behind all
 * others. Patient attempts whose network is not known go before the others until two of them are
 * under way, and after the others from then on. Three of four places for them go to the newest.
 * Guessers wait from one answer to the next; an owner who has just come thus need not wait for all
 * of them, and the oldest are served in the end. If too many wait, the newest displaces the oldest,
 * for the same reason. Attempts that wait have not been checked, so that neither waiting nor
 * leaving reveals anything about a password.
 *
 * The memory is that of the keys of the attempts inside: at most five of 72 bytes for each. The
 * caller bounds their number. One thread at a time may use a gate.
 */
struct auth_gate;
struct gate_node;

#define GATE_WAITING_MAX 512

enum gate_key { GATE_PAIR, GATE_LOGIN, GATE_NETWORK, GATE_WIDE, GATE_AREA, GATE_KEYS };

enum gate_state { GATE_OUTSIDE, GATE_WAITING, GATE_OPENED, GATE_UNDER_WAY };

/* One attempt. Its owner sets keys and is_patient before it enters, and reads the rest. */
struct gate_ticket {
	struct penalty_keys keys;
	bool is_patient; /* it waits without a limit */

	/* Set when the gate opens. */
	bool is_trusted;
	bool is_known, is_clean; /* as in struct penalty_view */
	bool is_slowed;		 /* or the network is not known */
	uint32_t delay_ms;

	/* The gate's. */
	enum gate_state state;
	struct gate_node *node[GATE_KEYS]; /* NULL: the key is 0 */
	struct gate_node *blocked;	   /* in whose list it waits */
	TAILQ_ENTRY(gate_ticket) link;
};

/* Borrows penalty. Returns NULL when out of memory. */
struct auth_gate *auth_gate_new(const struct penalty *penalty);
void auth_gate_free(struct auth_gate **gate); /* after all tickets have left; accepts NULL */

enum gate_result {
	GATE_OPEN, /* the attempt is under way */
	GATE_WAIT, /* auth_gate_next() returns it later */
	GATE_FULL, /* refused; also when out of memory */
};

/* *displaced_r: another ticket, which waited and is outside now, because this one waits in its
 * place; or NULL. */
enum gate_result auth_gate_enter(struct auth_gate *gate, struct gate_ticket *ticket, uint32_t now,
	struct gate_ticket **displaced_r);

/*
 * The attempt's result is known, or it is given up, or it waits no longer; a ticket that is outside
 * is ignored. Record its result by penalty_failed() or penalty_succeeded() before. Returns whether
 * auth_gate_next() has a ticket.
 */
bool auth_gate_leave(struct auth_gate *gate, struct gate_ticket *ticket, uint32_t now);

/* Return the next ticket that waited and is under way now, or NULL. */
struct gate_ticket *auth_gate_next(struct auth_gate *gate);

/*
 * Return the key by which a ticket inside takes turns with those of other keys: that of its network
 * (IPv6: the wide one, because its owner has 65,536 networks) or, without one, of its login. Where
 * the login has succeeded, it is the key of whichever has more attempts inside. So neither the many
 * networks from which a stolen password has been used nor the many logins behind one address have
 * more turns than somebody else's login.
 */
uint64_t auth_gate_flow(const struct gate_ticket *ticket);

/* Return the number of attempts that wait. */
size_t auth_gate_waiting(const struct auth_gate *gate);

#endif
