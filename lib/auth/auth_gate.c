/*
 * The gate of attempts to log in: a hash table of the keys (nodes) of all attempts inside, each
 * with the number under way and the list of those that wait for a place of it. It owns the nodes;
 * the tickets are the caller's. One thread at a time uses it.
 */
#include "lib/auth/auth_gate.h"

#include <stdlib.h>

#define BUCKETS 4096 /* a power of 2 */
#define NEAR_PLACES 2
#define CLEAN_PLACES 1	  /* of the places of a login: those for networks without failures alone */
#define LOAD_MAX 9	  /* of an area; see load_of() */
#define ANONYMOUS_FIRST 2 /* places of a login for which anonymous attempts go before others */
#define TURNS 4		  /* one belongs to the oldest anonymous attempt, and three to the newest */

TAILQ_HEAD(ticket_list, gate_ticket);

struct gate_node {
	LIST_ENTRY(gate_node) link;
	uint64_t key;
	uint32_t tickets;   /* inside, with this key */
	uint32_t under_way; /* those that occupy a place */
	uint32_t slowed;    /* of these, from slowed networks */
	uint32_t unclean;   /* of these, from networks with failures or not known */
	uint32_t leaving;   /* of these, those for which leaves_place() is true */
	uint32_t anonymous; /* of these, the anonymous ones */
	uint32_t waiting;   /* of the tickets; perhaps in another node's list */
	uint32_t nowhere;   /* of those that wait, the ones whose network is not known */
	uint32_t turn;	    /* of the anonymous ones, see TURNS */
	struct ticket_list list;
};

LIST_HEAD(node_list, gate_node);

struct auth_gate {
	const struct penalty *penalty;
	size_t waiting;
	struct ticket_list opened;
	struct node_list bucket[GATE_KEYS][BUCKETS];
};

static const struct {
	uint32_t all, slowed;
} places[GATE_KEYS] = {
	[GATE_PAIR] = { 2, 2 },
	[GATE_LOGIN] = { 8, 3 },
	[GATE_NETWORK] = { 32, 4 },
	[GATE_WIDE] = { 128, 16 },
	[GATE_AREA] = { UINT32_MAX, UINT32_MAX }, /* only counted */
};

struct auth_gate *auth_gate_new(const struct penalty *penalty)
{
	struct auth_gate *gate = calloc(1, sizeof(*gate));

	if (gate == NULL)
		return NULL;
	gate->penalty = penalty;
	TAILQ_INIT(&gate->opened);
	return gate; /* calloc() has made the buckets empty lists */
}

void auth_gate_free(struct auth_gate **gate)
{
	free(*gate);
	*gate = NULL;
}

/* ---- nodes ---------------------------------------------------------------------- */

static struct gate_node *get_node(struct auth_gate *gate, enum gate_key which, uint64_t key)
{
	struct node_list *bucket = &gate->bucket[which][key & (BUCKETS - 1)];
	struct gate_node *node = NULL;

	LIST_FOREACH(node, bucket, link)
	{
		if (node->key == key)
			break;
	}
	if (node == NULL) {
		if ((node = calloc(1, sizeof(*node))) == NULL)
			return NULL;
		node->key = key;
		TAILQ_INIT(&node->list);
		LIST_INSERT_HEAD(bucket, node, link);
	}
	node->tickets++;
	return node;
}

static void drop_nodes(struct gate_ticket *ticket)
{
	for (int which = 0; which < GATE_KEYS; which++) {
		struct gate_node *node = ticket->node[which];

		if (node != NULL && --node->tickets == 0) {
			LIST_REMOVE(node, link);
			free(node);
		}
		ticket->node[which] = NULL;
	}
}

static int get_nodes(struct auth_gate *gate, struct gate_ticket *ticket)
{
	const uint64_t keys[GATE_KEYS] = {
		[GATE_PAIR] = ticket->keys.pair,
		[GATE_LOGIN] = ticket->keys.login,
		[GATE_NETWORK] = ticket->keys.network,
		[GATE_WIDE] = ticket->keys.wide,
		[GATE_AREA] = ticket->keys.area,
	};

	for (int which = 0; which < GATE_KEYS; which++) {
		ticket->node[which] = keys[which] == 0 ? NULL : get_node(gate, which, keys[which]);
		if (keys[which] != 0 && ticket->node[which] == NULL) {
			drop_nodes(ticket);
			return -1;
		}
	}
	return 0;
}

/* ---- places ---------------------------------------------------------------------- */

/* Return whether a ticket needs places of a kind. */
static bool needs_place(const struct gate_ticket *ticket, enum gate_key which)
{
	if (ticket->is_trusted)
		return which == GATE_PAIR;
	return !ticket->is_known || (which != GATE_LOGIN && which != GATE_AREA);
}

/* Return whether nothing is known of an attempt but its login. */
static bool is_anonymous(const struct gate_ticket *ticket)
{
	return ticket->is_patient && ticket->keys.network == 0;
}

/* Return whether an attempt leaves a place of its login to networks without failures. */
static bool leaves_place(const struct gate_ticket *ticket)
{
	return ticket->keys.is_apart || !ticket->is_clean;
}

/* Add or take back (by -1) an attempt under way. */
static void count_under_way(struct gate_ticket *ticket, int by)
{
	for (int which = 0; which < GATE_KEYS; which++) {
		struct gate_node *node = ticket->node[which];

		if (node == NULL || !needs_place(ticket, which))
			continue;
		node->under_way += (uint32_t)by;
		if (ticket->is_slowed)
			node->slowed += (uint32_t)by;
		if (!ticket->is_clean)
			node->unclean += (uint32_t)by;
		if (leaves_place(ticket))
			node->leaving += (uint32_t)by;
		if (is_anonymous(ticket))
			node->anonymous += (uint32_t)by;
	}
}

/*
 * Return whether a login has a place for an attempt from some network, slowed or not. Of those that
 * leave a place, only near ones get more than the others' share, so that the excess is in the
 * places for near ones.
 */
static bool login_has_place(const struct gate_node *node, const struct gate_ticket *ticket,
	bool is_near)
{
	const uint32_t all = places[GATE_LOGIN].all, share = all - CLEAN_PLACES;
	const uint32_t excess = node->leaving > share ? node->leaving - share : 0;
	const uint32_t near = is_near ? NEAR_PLACES : 0;

	if (leaves_place(ticket) && node->leaving >= share + near)
		return false;
	if (ticket->keys.is_apart && !ticket->is_clean &&
		node->unclean >= share - CLEAN_PLACES + near)
		return false;
	return is_near ? node->under_way < all + near : node->under_way - excess < all;
}

/* Return whether a node has a place. */
static bool has_place(const struct gate_node *node, enum gate_key which,
	const struct gate_ticket *ticket, const struct penalty_view *view)
{
	const bool is_near = view->is_near && !view->is_slowed;

	return (which == GATE_LOGIN ? login_has_place(node, ticket, is_near) :
				      node->under_way < places[which].all) &&
		(!ticket->is_slowed || node->slowed < places[which].slowed);
}

/* Return the node that has no place for the ticket, or NULL. */
static struct gate_node *full_node(const struct gate_ticket *ticket,
	const struct penalty_view *view)
{
	struct gate_node *const pair = ticket->node[GATE_PAIR];

	if (view->trust > 0)
		return pair->under_way < view->trust ? NULL : pair;
	for (int which = 0; which < GATE_KEYS; which++) {
		struct gate_node *node = ticket->node[which];

		if (node != NULL && needs_place(ticket, which) &&
			!has_place(node, which, ticket, view))
			return node;
	}
	return NULL;
}

/* Open the gate for a ticket, or return the node that has no place for it. */
static struct gate_node *try_to_open(const struct auth_gate *gate, struct gate_ticket *ticket,
	uint32_t now, struct penalty_view *view_r)
{
	struct gate_node *full;

	*view_r = penalty_view(gate->penalty, &ticket->keys, now);
	ticket->is_slowed = view_r->is_slowed || ticket->keys.network == 0;
	ticket->is_trusted = view_r->trust > 0;
	ticket->is_known = view_r->is_known;
	ticket->is_clean = view_r->is_clean && ticket->keys.network != 0;
	if ((full = full_node(ticket, view_r)) != NULL)
		return full;
	ticket->delay_ms = ticket->is_trusted ? 0 : view_r->delay_ms;
	count_under_way(ticket, 1);
	return NULL;
}

/* ---- waiting ---------------------------------------------------------------------- */

static void set_waiting(struct auth_gate *gate, struct gate_ticket *ticket, bool waits)
{
	const uint32_t by = waits ? 1 : (uint32_t)-1;

	gate->waiting += waits ? 1 : (size_t)-1;
	for (int which = 0; which < GATE_KEYS; which++) {
		struct gate_node *node = ticket->node[which];

		if (node == NULL)
			continue;
		node->waiting += by;
		if (ticket->keys.network == 0)
			node->nowhere += by;
	}
}

static void stop_waiting(struct auth_gate *gate, struct gate_ticket *ticket)
{
	TAILQ_REMOVE(&ticket->blocked->list, ticket, link);
	set_waiting(gate, ticket, false);
}

/* Return the oldest anonymous ticket that waits in the node's list, or NULL. */
static struct gate_ticket *oldest_anonymous(const struct gate_node *node)
{
	struct gate_ticket *ticket = NULL;

	TAILQ_FOREACH(ticket, &node->list, link)
	{
		if (is_anonymous(ticket))
			break;
	}
	return ticket;
}

static struct gate_ticket *newest_anonymous(const struct gate_node *node)
{
	struct gate_ticket *ticket = NULL;

	TAILQ_FOREACH_REVERSE(ticket, &node->list, ticket_list, link)
	{
		if (is_anonymous(ticket))
			break;
	}
	return ticket;
}

/* Return whether too many like the ticket wait already. */
static bool is_crowded(const struct gate_ticket *ticket)
{
	const struct gate_node *network = ticket->node[GATE_NETWORK],
			       *login = ticket->node[GATE_LOGIN];

	if (network != NULL)
		return network->waiting >= GATE_WAITING_MAX;
	return login != NULL && login->nowhere >= GATE_WAITING_MAX;
}

/* Make room for a ticket that may wait. Returns false if it has to be refused. */
static bool make_room(struct auth_gate *gate, const struct gate_ticket *ticket,
	struct gate_ticket **displaced_r)
{
	struct gate_ticket *oldest = NULL;

	if (!is_crowded(ticket))
		return true;
	/* Without a network, tickets wait for their login alone. */
	if (is_anonymous(ticket))
		oldest = oldest_anonymous(ticket->node[GATE_LOGIN]);
	if (oldest == NULL)
		return false;
	stop_waiting(gate, oldest);
	oldest->state = GATE_OUTSIDE;
	drop_nodes(oldest);
	*displaced_r = oldest;
	return true;
}

/*
 * Return whether only others at its login hold up a slowed ticket. Attempts from its own networks
 * that wait count like those under way, so that a guesser occupies no more of the MTA's processes.
 */
static bool has_own_places(const struct gate_ticket *ticket)
{
	static const enum gate_key own[] = { GATE_PAIR, GATE_NETWORK, GATE_WIDE };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		const struct gate_node *node = ticket->node[own[i]];

		if (node != NULL && node->under_way + node->waiting >= places[own[i]].slowed)
			return false;
	}
	return ticket->keys.network != 0;
}

static bool may_wait(const struct gate_ticket *ticket, const struct penalty_view *view)
{
	if (ticket->is_patient || view->trust > 0 || !ticket->is_slowed || view->delay_ms == 0)
		return true;
	return has_own_places(ticket);
}

enum gate_result auth_gate_enter(struct auth_gate *gate, struct gate_ticket *ticket, uint32_t now,
	struct gate_ticket **displaced_r)
{
	struct penalty_view view;
	struct gate_node *full;

	*displaced_r = NULL;
	if (get_nodes(gate, ticket) < 0)
		return GATE_FULL;
	if ((full = try_to_open(gate, ticket, now, &view)) == NULL) {
		ticket->state = GATE_UNDER_WAY;
		return GATE_OPEN;
	}
	if (!may_wait(ticket, &view) || !make_room(gate, ticket, displaced_r)) {
		drop_nodes(ticket);
		return GATE_FULL;
	}
	ticket->state = GATE_WAITING;
	ticket->blocked = full;
	TAILQ_INSERT_TAIL(&full->list, ticket, link);
	set_waiting(gate, ticket, true);
	return GATE_WAIT;
}

/* Open the gate for a ticket of the node's list, or let it wait for another node. Returns whether
 * it has opened. */
static bool pass_waiting(struct auth_gate *gate, struct gate_node *node, struct gate_ticket *ticket,
	uint32_t now)
{
	struct penalty_view view;
	struct gate_node *full = try_to_open(gate, ticket, now, &view);

	if (full == node)
		return false;
	TAILQ_REMOVE(&node->list, ticket, link);
	ticket->blocked = full;
	if (full != NULL) {
		TAILQ_INSERT_TAIL(&full->list, ticket, link);
		return false;
	}
	set_waiting(gate, ticket, false);
	ticket->state = GATE_OPENED;
	TAILQ_INSERT_TAIL(&gate->opened, ticket, link);
	node->turn += is_anonymous(ticket);
	return true;
}

/*
 * Return the load of a ticket's area: the number of attempts from there at the ticket's login that
 * are under way or have failed recently, if it is 0 or 1; if it is greater, LOAD_MAX while one is
 * under way, and then less and less, down to 2, in steps of twice the time since the last failure.
 */
static uint32_t load_of(const struct auth_gate *gate, const struct gate_ticket *ticket,
	uint32_t now)
{
	const struct gate_node *area = ticket->node[GATE_AREA];
	const uint32_t under_way = area == NULL ? 0 : area->under_way;
	uint32_t age, load;

	load = penalty_area_failures(gate->penalty, &ticket->keys, now, &age) + under_way;
	if (load < 2)
		return load;
	load = LOAD_MAX;
	for (age = under_way > 0 ? 0 : age; age > 0 && load > 2; age /= 2)
		load--;
	return load;
}

/* Open the gate for the anonymous ticket of the node's list whose turn it is, if there is a place.
 * Returns whether it has opened. */
static bool pass_anonymous(struct auth_gate *gate, struct gate_node *node, uint32_t now)
{
	struct gate_ticket *ticket =
		node->turn % TURNS != 0 ? newest_anonymous(node) : oldest_anonymous(node);

	return ticket != NULL && pass_waiting(gate, node, ticket, now);
}

/*
 * Open the gate for the first of the other tickets in the node's list whose area has this load and
 * for which there is a place; some may have to wait for another node instead. Returns whether one
 * has opened. *higher_r: the next load that there is, at most LOAD_MAX + 1.
 */
static bool pass_of_load(struct auth_gate *gate, struct gate_node *node, uint32_t load,
	uint32_t now, uint32_t *higher_r)
{
	struct gate_ticket *ticket, *next;

	*higher_r = LOAD_MAX + 1;
	for (ticket = TAILQ_FIRST(&node->list); ticket != NULL; ticket = next) {
		uint32_t present;

		next = TAILQ_NEXT(ticket, link);
		if (is_anonymous(ticket))
			continue;
		present = load_of(gate, ticket, now);
		if (present == load && pass_waiting(gate, node, ticket, now))
			return true;
		if (present > load && present < *higher_r)
			*higher_r = present;
	}
	return false;
}

/* Open the gate for one ticket of the node's list that is not anonymous. Returns whether it has
 * opened for one. */
static bool pass_other(struct auth_gate *gate, struct gate_node *node, uint32_t now)
{
	uint32_t load = 0, higher;

	for (; load <= LOAD_MAX; load = higher) {
		if (pass_of_load(gate, node, load, now, &higher))
			return true;
	}
	return false;
}

/*
 * Open the gate for one ticket of the node's list. Anonymous ones go first until two of them are
 * under way, and then the others, so that guessers of neither kind hold up an owner of the other.
 * If the kinds took turns instead, an anonymous owner would no longer be the newest when
 * the turn comes.
 */
static bool pass_next(struct auth_gate *gate, struct gate_node *node, uint32_t now)
{
	const bool anonymous_first = node->anonymous < ANONYMOUS_FIRST;

	return (!anonymous_first && pass_other(gate, node, now)) ||
		pass_anonymous(gate, node, now) || (anonymous_first && pass_other(gate, node, now));
}

static void open_for_waiting(struct auth_gate *gate, struct gate_node *node, uint32_t now)
{
	while (pass_next(gate, node, now))
		;
}

bool auth_gate_leave(struct auth_gate *gate, struct gate_ticket *ticket, uint32_t now)
{
	const enum gate_state state = ticket->state;

	if (state == GATE_WAITING)
		stop_waiting(gate, ticket);
	if (state == GATE_OPENED)
		TAILQ_REMOVE(&gate->opened, ticket, link);
	if (state == GATE_OPENED || state == GATE_UNDER_WAY) {
		count_under_way(ticket, -1);
		for (int which = 0; which < GATE_KEYS; which++) {
			if (ticket->node[which] != NULL)
				open_for_waiting(gate, ticket->node[which], now);
		}
	}
	ticket->state = GATE_OUTSIDE;
	drop_nodes(ticket);
	return !TAILQ_EMPTY(&gate->opened);
}

struct gate_ticket *auth_gate_next(struct auth_gate *gate)
{
	struct gate_ticket *ticket = TAILQ_FIRST(&gate->opened);

	if (ticket == NULL)
		return NULL;
	TAILQ_REMOVE(&gate->opened, ticket, link);
	ticket->state = GATE_UNDER_WAY;
	return ticket;
}

uint64_t auth_gate_flow(const struct gate_ticket *ticket)
{
	const struct gate_node *login = ticket->node[GATE_LOGIN],
			       *network = ticket->node[GATE_WIDE] != NULL ?
		ticket->node[GATE_WIDE] :
		ticket->node[GATE_NETWORK];

	if (network == NULL)
		return ticket->keys.login;
	return ticket->is_known && login != NULL && login->tickets > network->tickets ?
		login->key :
		network->key;
}

size_t auth_gate_waiting(const struct auth_gate *gate)
{
	return gate->waiting;
}
