#include "milter/shared/status_json.h"

#include <string.h>

#include "milter/log/json_text.h"

/* A time, or null for never. */
static json_t *time_json(time_t when)
{
	return when == 0 ? json_null() : json_integer((json_int_t)when);
}

json_t *status_problems_json(const struct status *status)
{
	json_t *array = json_array();
	const char *at = status->problems;
	char line[1024];
	size_t len;

	while (array != NULL && at != NULL && *at != '\0') {
		len = strcspn(at, "\n");
		memcpy(line, at, len < sizeof(line) ? len : sizeof(line) - 1);
		line[len < sizeof(line) ? len : sizeof(line) - 1] = '\0';
		if (line[0] != '\0' && json_array_append_new(array, json_text_or_null(line)) != 0) {
			json_decref(array);
			return NULL;
		}
		at += len + (at[len] == '\n');
	}
	return array;
}

static json_t *policy_json(const struct status *s, time_t now)
{
	json_t *age =
		s->confirmed == 0 ? json_null() : json_integer((json_int_t)(now - s->confirmed));

	return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:I}", "source",
		status_source_name(s->source), "serial", (json_int_t)s->serial, "published",
		time_json(s->published), "confirmed", time_json(s->confirmed), "age", age,
		"revision", json_text_or_null(s->revision), "publications",
		(json_int_t)s->publications);
}

static json_t *lists_json(const struct status *s)
{
	json_t *lists = json_object();
	int failed = lists == NULL;

	for (int i = 0; i < LIST_COUNT; i++)
		failed |= json_object_set_new(lists, list_name((enum list_id)i),
			json_integer((json_int_t)s->list_entries[i]));
	if (failed) {
		json_decref(lists);
		return NULL;
	}
	return lists;
}

json_t *status_json(const struct status *s, time_t now, bool with_problems)
{
	json_t *database = json_pack("{s:s, s:o, s:b, s:o, s:o}", "state",
		status_database_name(s->database), "server", json_text_or_null(s->server), "feed",
		(int)s->has_feed, "since", time_json(s->database_since), "error",
		json_text_or_null(s->database_error));
	json_t *store = json_pack("{s:o, s:o}", "written", time_json(s->store_written), "error",
		json_text_or_null(s->store_error));
	json_t *problems = with_problems ? status_problems_json(s) : json_null();

	/* Objects that are NULL make json_pack() fail and free the others. */
	return json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:o, s:I, s:o}",
		"policy", policy_json(s, now), "database", database, "store", store, "users",
		(json_int_t)s->users, "profiles", (json_int_t)s->profiles, "users_bytes",
		(json_int_t)s->users_bytes, "lists_bytes", (json_int_t)s->lists_bytes, "lists",
		lists_json(s), "loads_failed", (json_int_t)s->loads_failed, "load_error",
		json_text_or_null(s->load_error), "config_error",
		json_text_or_null(s->config_error), "problem_count", (json_int_t)s->problem_count,
		"problems", problems);
}
