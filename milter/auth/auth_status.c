/*
 * The status section of logins: connections, answers, penalties and keys of tokens. It owns
 * nothing and runs on the server thread, to which all of struct auth belongs.
 * t/integration/test_status.py covers it.
 */
#include "milter/auth/auth_status.h"

#include "milter/auth/auth_private.h"
#include "milter/log/json_text.h"
#include "milter/loop/clock.h"

static json_t *served_json(struct auth *auth)
{
	const uint32_t now = (uint32_t)(clock_ms() / 1000);
	const struct counters *counts = auth->counts;
	const uint64_t cached = auth_counts_of(counts, AUTH_ACCEPTED_CACHED);
	const uint64_t accepted = auth_counts_of(counts, AUTH_ACCEPTED) + cached;
	const uint64_t refused = auth_counts_of(counts, AUTH_REFUSED_CREDENTIALS) +
		auth_counts_of(counts, AUTH_REFUSED_POLICY);
	size_t networks, logins;

	penalty_count(auth->penalty, now, &networks, &logins);
	return json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:I, s:I, s:I, s:o}",
		"connections", (json_int_t)peers_count(auth), "evicted", (json_int_t)auth->evicted,
		"waiting", (json_int_t)auth->attempt_count, "held",
		(json_int_t)auth_gate_waiting(auth->gate), "turned_away",
		(json_int_t)auth->turned_away, "accepted", (json_int_t)accepted, "accepted_cached",
		(json_int_t)cached, "refused", (json_int_t)refused, "undecided",
		(json_int_t)auth_counts_of(counts, AUTH_UNDECIDED), "logins", counters_json(counts),
		"cached", (json_int_t)auth_cache_count(auth->auth_cache, now), "penalized_networks",
		(json_int_t)networks, "penalized_logins", (json_int_t)logins, "keys",
		(json_int_t)jwt_keys_count(auth->keys.keys), "keys_error",
		json_text_or_null(auth->keys.err.text));
}

static json_t *describe_auth(void *context)
{
	const struct auth_section *section = context;
	json_t *json = section->auth == NULL ? json_object() : served_json(section->auth);
	const size_t suspended = suspensions_count(shared_suspensions(section->shared));

	if (json_object_set_new(json, "served", json_boolean(section->auth != NULL)) != 0 ||
		json_object_set_new(json, "suspended", json_integer((json_int_t)suspended)) != 0) {
		json_decref(json);
		return NULL;
	}
	return json;
}

static void check_keys(const struct auth *auth, struct status_health *health)
{
	const struct auth_keys *keys = &auth->keys;
	const size_t problems = keys->problems == NULL ? 0 : problems_kept(keys->problems);
	const size_t notes =
		keys->problems == NULL ? 0 : problems_level_kept(keys->problems, PROBLEM_NOTE);

	if (keys->failed_since != 0)
		status_add_problem(health,
			"Correct the file that [jwt] names. Postern reads it again every second.",
			"the keys for tokens can't be read, and %s: %s",
			keys->is_old ?
				(keys->gone_since != 0 ? "the previous ones end within seconds" :
							 "the previous ones end within an hour") :
				keys->keys == NULL ? "no token is accepted" :
						     "only those of the shared secret are accepted",
			keys->err.text);
	if (auth->has_ignored_audience)
		status_add_note(health,
			"Set [jwt] audience to the value for Postern, then run posternctl reload.",
			"tokens have an audience (aud) that is not checked, so that those made for "
			"other services are accepted");
	for (size_t i = 0; i < notes; i++)
		status_add_note(health, "Postern reads the file again when it changes.",
			"keys for tokens: %s",
			problems_level_text(keys->problems, PROBLEM_NOTE, i));
	for (size_t i = 0; i < problems; i++)
		status_add_problem(health,
			"Correct or remove the key in the file. Postern reads it again when it "
			"changes.",
			"a key for tokens is not used: %s", problems_text(keys->problems, i));
}

static void check_peers(const struct auth *auth, struct status_health *health)
{
	const size_t wanted = auth->config->auth.max_connections, most = peers_most(auth);

	if (most < wanted)
		status_add_note(health,
			"Permit more open files (LimitNOFILE= of the unit) and restart postern, or "
			"set a smaller number.",
			"[auth] max_connections is %zu, but the limit of open files permits %zu",
			wanted, most);
}

static void check_auth(void *context, struct status_health *health)
{
	const struct auth_section *section = context;
	struct errmsg unsaved, unreadable, put_aside, late;

	suspension_keeper_late(section->suspensions, &late);
	suspension_keeper_error(section->suspensions, &unsaved);
	if (late.text[0] != '\0')
		status_add_problem(health,
			STATUS_REPAIR_DISK " "
					   "Postern then saves the suspended logins.",
			"changes of the suspended logins are in force, but cannot be saved: %s",
			late.text);
	else if (unsaved.text[0] != '\0')
		status_add_problem(health,
			"Check the file of [auth] suspensions and its directory. Postern "
			"tries again every few seconds.",
			"a restart will forget which logins are suspended: %s", unsaved.text);
	suspension_keeper_file_error(section->suspensions, &unreadable);
	if (unreadable.text[0] != '\0')
		status_add_problem(health,
			"Correct the file, or let posternctl suspend or resume a login, which "
			"replaces it by the logins that are suspended now.",
			"%s", unreadable.text);
	suspension_keeper_put_aside(section->suspensions, &put_aside);
	status_note_put_aside(health, &put_aside);
	if (section->sockets->loose[0] != '\0')
		status_add_note(health,
			"Set SocketMode=0660 and SocketGroup= in postern.socket, then restart it.",
			"every user of this machine can connect to %s, try passwords and claim any "
			"client's address",
			section->sockets->loose);
	if (section->sockets->ignored[0] != '\0')
		status_add_problem(health,
			"Set its path or address in [auth], or change it in postern.socket; then "
			"restart both.",
			"systemd listens on %s, which [auth] does not set: logins there are "
			"never answered",
			section->sockets->ignored);
	if (section->sockets->elsewhere[0] != '\0')
		status_add_problem(health,
			"Set the same place in [auth] and in postern.socket if they differ; then "
			"restart both.",
			"nobody reaches the daemon at the place that [auth] sets, because systemd "
			"listens on %s",
			section->sockets->elsewhere);
	if (section->sockets->without_folder)
		status_add_problem(health,
			"Create the directory of [auth] socket, or make [auth] socket and "
			"saslauthd empty; then restart postern.",
			"logins are not served: the directory of the socket does not exist");
	if (section->auth != NULL) {
		check_keys(section->auth, health);
		check_peers(section->auth, health);
	}
}

int auth_status_register(struct auth_section *section, struct status *registry)
{
	return status_register(registry,
		&(struct status_section){ "auth", section, describe_auth, check_auth });
}
