#ifndef POSTERN_PENALTY_H
#define POSTERN_PENALTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/match/cidr.h"

/*
 * The auth penalty: how past failures and successes affect the next attempt to log in. It counts
 * failures by login, by network (an IPv4 address, an IPv6 /64) and by wide network (an IPv6 /48),
 * and it remembers the networks from which a login has succeeded. An address of a translator counts
 * as the IPv4 address that it contains (cidr_translated()): all of its clients share a prefix.
 *
 *                  failures without a delay   one is forgiven every
 *   login                     1                      60 s
 *   network                   3                      60 s
 *   wide network             30                       6 s
 *
 * The wide network catches clients who spread their guesses over its networks. Failures from a
 * network that is slowed itself do not count for it, so that one client does not slow all others of
 * a provider.
 *
 * A failure in a network in which the login has succeeded (see below) does not count for the login,
 * only for the network, which delays the same attempts there. Elsewhere, a count of the login would
 * slow the owner who has left a device with an old password at home, and tell everybody that his
 * login is in use.
 *
 * The first failure beyond these delays the next attempt by half a second, and each further one
 * doubles the delay, up to PENALTY_MAX_MS; the longest of the three delays applies. The delay comes
 * before the check, whatever its result, so that neither an answer nor its absence reveals anything
 * to a guesser sooner.
 *
 * A login that has succeeded from a network within PENALTY_TRUST_S is trusted there: the failures
 * of others delay neither it nor its owner. Trust ends when PENALTY_TRUST_FAILURES failures of that
 * login from that network are not forgiven (one per minute), because the network may have other
 * users. The network remains known for the login, which thus has places there that nobody elsewhere
 * can take (lib/auth/auth_gate.h).
 *
 * Trust belongs to the password that has succeeded: once the row has another one, the network is
 * like any other until the login succeeds there again, because a thief may have used the old
 * password. A token is trusted where it, or another one that claims the same address, has
 * succeeded, because programs get a new one every hour. This does not help a thief, because tokens
 * expire and cannot be guessed.
 *
 * Failures at a login are counted by area, too: the IPv4 /16 or IPv6 /32 of the client; one is
 * forgiven in each minute after the last. They delay nobody, but attempts from areas without them,
 * or without recent ones, get places first.
 *
 * A success clears no failures: the owner is trusted then and does not need that, and a guesser
 * must not profit from a login of his own, nor from the owner's program that logs in every second.
 *
 * Bounds: every table has a fixed size, in sets, and a set that is full makes room. A login,
 * network or wide network with the fewest failures is forgotten first. The networks of trusted
 * logins are in sets of 64. The login that has the most of them in a set loses the one whose last
 * success is the oldest, so that nobody displaces others by many networks of his own. Only a right
 * password or token adds to them, so that made-up logins cannot displace them either. Names, tokens
 * and the addresses that tokens claim have separate tables, because one person may get many tokens.
 * With 32,768 entries a table of failures takes 0.5 MiB, and each of the three of trusted networks,
 * which has eight times as many, 10 MiB, which the system provides as they fill.
 *
 * One thread at a time may use it. Times are seconds of a monotonic clock.
 */
struct penalty;

#define PENALTY_MAX_MS 4500	    /* so that an answer takes less than 10 s in all */
#define PENALTY_TRUST_S (7 * 86400) /* for which a success is remembered */
#define PENALTY_TRUST_FAILURES 8    /* end the trust until they are forgiven */

/* The bit of a login's key that tells tokens from names; they have trusted logins of their own. */
#define PENALTY_TOKEN UINT64_C(1)

/* The table of each kind has this number of entries, rounded up to a power of 2. Returns NULL when
 * out of memory. */
struct penalty *penalty_new(size_t entries);
void penalty_free(struct penalty **penalty); /* accepts NULL */

/* The keys by which an attempt counts. A key that is 0 is not counted. */
struct penalty_keys {
	uint64_t login;
	uint64_t network, wide; /* 0: the address is not known; wide also for IPv4, and for root */
	uint64_t owner; /* of the successes that count: the login, or a row: penalty_set_owner() */
	uint64_t credential; /* of the row's stored password; 0: a token, or no user */
	uint64_t claimed;    /* of the address that a token claims; 0: none */
	uint64_t pair; /* of the login, or the claimed address, and the network; 0 without either */
	uint64_t area; /* of the login and the IPv4 /16 or IPv6 /32, or all claims, or all people; 0
			  without either */
	uint32_t near; /* of the IPv4 /16 or IPv6 /32; 0: the address is not known */
	bool is_apart; /* any process of this machine may have claimed the address */
};

/* Return the keys of an attempt. login: a hash of the login's name without the bit PENALTY_TOKEN,
 * or of a token with it; 0 for none. client may be NULL, AF_UNSPEC, or a person (penalty_person()).
 */
struct penalty_keys penalty_keys(uint64_t login, const struct cidr *client);

/*
 * Set the owner of the successes that make the attempt trusted, and to which its own is added: a
 * hash of the name of the login's row, and the credential of the password stored there. The key of
 * a login may belong to two rows, BOB and BOB@DOMAIN. Their failures and places count together, but
 * the success of one user must not make guesses at the other's password trusted. The credential
 * does not replace the owner: several rows may have the same stored password, and the networks of a
 * former one belong to the owner, too. Set both again if the rows change during the attempt.
 */
void penalty_set_owner(struct penalty_keys *keys, uint64_t owner, uint64_t credential);

/* Set the address that a token claims: a hash of it with the bit PENALTY_TOKEN, or 0. It has no
 * failures or delays of its own, because anybody can claim it. */
void penalty_claim(struct penalty_keys *keys, uint64_t claimed);

/*
 * Set the networks apart from those of the same address elsewhere, because any process of this
 * machine may have claimed it. Claims thus neither slow the real clients of a network nor use their
 * trust, their places and their turns. Call this before penalty_claim().
 */
void penalty_set_apart(struct penalty_keys *keys);

/*
 * Return the client that stands for a user of this machine, who has no address. Each user counts as
 * a separate network, to which no address belongs. All but root and the user of this process share
 * a wide network, because one person may have thousands of users: the subordinate ones of his user
 * namespaces.
 */
struct cidr penalty_person(uid_t uid);

/* The treatment of the next attempt. */
struct penalty_view {
	uint32_t trust;	    /* failures that trust allows from now on; 0: not trusted there */
	uint32_t delay_ms;  /* before the check, unless it is trusted */
	bool is_known;	    /* it has succeeded from this network within PENALTY_TRUST_S, with the
			       present credential, as in has_succeeded and is_near */
	bool is_slowed;	    /* the network or the wide network causes a delay */
	bool is_clean;	    /* neither has failures that are not forgiven */
	bool has_failed;    /* the login has failures that are not forgiven */
	bool has_succeeded; /* the login has succeeded from anywhere within PENALTY_TRUST_S */
	bool is_near;	    /* it has done so from the same IPv4 /16 or IPv6 /32 */
};

struct penalty_view penalty_view(const struct penalty *penalty, const struct penalty_keys *keys,
	uint32_t now);

/* Return the failures at the login from the area of the client that are not forgiven, and the
 * seconds since the last one in *age_r; 0 without an area. */
uint32_t penalty_area_failures(const struct penalty *penalty, const struct penalty_keys *keys,
	uint32_t now, uint32_t *age_r);

/* Count an attempt with wrong credentials, or a successful one. */
void penalty_failed(struct penalty *penalty, const struct penalty_keys *keys, uint32_t now);
void penalty_succeeded(struct penalty *penalty, const struct penalty_keys *keys, uint32_t now);

/*
 * Forgive the failures of the login, and of the network and the wide network; keys NULL: all
 * failures, except those of people's networks, the wide one included, because people who can cause
 * them may be the ones who ask. Trusted logins stay. The failures of a login's areas are forgiven
 * only if keys is NULL, because they delay nobody. Returns the number of logins and networks that
 * had failures.
 */
size_t penalty_reset(struct penalty *penalty, const struct penalty_keys *keys);

/* Count the networks (not the wide ones) and logins that have failures which are not forgiven yet.
 */
void penalty_count(const struct penalty *penalty, uint32_t now, size_t *networks_r,
	size_t *logins_r);

#endif
