#include "load/token_keys.h"
#include "milter/auth_private.h"
#include "milter/log.h"

/* The old ones stay where the new ones can't be read. */
void auth_keys_look(struct auth *auth, bool always)
{
	const struct auth_settings *settings = auth->settings;
	struct file_stamp stamp = { .exists = false };
	struct problems *problems;
	struct jwt_keys *keys = NULL;
	struct errmsg err;

	if (settings->keys_file[0] != '\0')
		(void)file_stamp(settings->keys_file, &stamp, NULL);
	if (!always && file_stamp_equal(&stamp, &auth->keys_stamp))
		return;
	auth->keys_stamp = stamp;
	if (!settings->has_tokens) {
		jwt_keys_unref(&auth->keys);
		return;
	}
	problems = problems_new();
	if (token_keys_load(settings->keys_file, settings->secret, &keys, problems, &err) < 0) {
		log_event(LOG_LEVEL_ERROR, "auth keys=%s error=\"%s\"",
			auth->keys == NULL ? "none" : "old", err.text);
	} else {
		jwt_keys_unref(&auth->keys);
		auth->keys = keys;
		log_event(LOG_LEVEL_NOTICE, "auth keys=%zu", jwt_keys_count(keys));
	}
	for (size_t i = 0; problems != NULL && i < problems_kept(problems); i++)
		log_event(LOG_LEVEL_WARNING, "auth keys problem=\"%s: %s\"", settings->keys_file,
			problems_text(problems, i));
	problems_free(&problems);
}
