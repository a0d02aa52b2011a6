#include "milter/shared/status_json.h"

#include <string.h>

/* A time, or null for never. */
static json_t *time_json(time_t when)
{
	return when == 0 ? json_null() : json_integer((json_int_t)when);
}

json_t *status_text_json(const char *text)
{
	char copy[1024];
	json_t *value;
	size_t i;

	if (text[0] == '\0')
		return json_null();
	if ((value = json_string(text)) != NULL)
		return value;
	for (i = 0; text[i] != '\0' && i + 1 < sizeof(copy); i++)
		copy[i] = (char)((unsigned char)text[i] < 0x80 ? text[i] : '?');
	copy[i] = '\0';
	return json_string(copy);
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
		if (line[0] != '\0' && json_array_append_new(array, status_text_json(line)) != 0) {
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
		"revision", status_text_json(s->revision), "publications",
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
	json_t *database =
		json_pack("{s:s, s:o, s:b, s:o, s:o}", "state", status_database_name(s->database),
			"server", status_text_json(s->server), "feed", (int)s->has_feed, "since",
			time_json(s->database_since), "error", status_text_json(s->database_error));
	json_t *store = json_pack("{s:o, s:o}", "written", time_json(s->store_written), "error",
		status_text_json(s->store_error));
	json_t *problems = with_problems ? status_problems_json(s) : json_null();

	/* Objects that are NULL make json_pack() fail and free the others. */
	return json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:o, s:I, s:o}",
		"policy", policy_json(s, now), "database", database, "store", store, "users",
		(json_int_t)s->users, "profiles", (json_int_t)s->profiles, "users_bytes",
		(json_int_t)s->users_bytes, "lists_bytes", (json_int_t)s->lists_bytes, "lists",
		lists_json(s), "loads_failed", (json_int_t)s->loads_failed, "load_error",
		status_text_json(s->load_error), "config_error", status_text_json(s->config_error),
		"problem_count", (json_int_t)s->problem_count, "problems", problems);
}
