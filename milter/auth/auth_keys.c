#include <string.h>

#include "lib/store/token_keys.h"
#include "milter/auth/auth_private.h"
#include "milter/log/log.h"
#include "milter/log/quote.h"

void auth_keys_read(const struct auth_settings *settings, struct auth_keys *read_r)
{
	struct auth_keys read = { .keys = NULL };
	struct problems *problems;
	struct errmsg problem;

	if (settings->keys_file[0] != '\0')
		(void)file_stamp(settings->keys_file, &read.stamp, NULL);
	if (settings->has_tokens) {
		problems = problems_new();
		if (token_keys_load(settings->keys_file, settings->secret, &read.keys, problems,
			    &read.err) == 0)
			read.err.text[0] = '\0';
		for (size_t i = 0; problems != NULL && i < problems_kept(problems); i++) {
			(void)errmsg_set(&problem, "%s: %s", settings->keys_file,
				problems_text(problems, i));
			quote_log(LOG_LEVEL_WARNING, "problem", problem.text, "auth keys");
		}
		problems_free(&problems);
	}
	*read_r = read;
}

static bool same_source(const struct auth_settings *a, const struct auth_settings *b)
{
	return strcmp(a->keys_file, b->keys_file) == 0 && strcmp(a->secret, b->secret) == 0;
}

/*
 * The old ones stay only while the file that they are from can't be read: it may be half written.
 * Of another source, they are what somebody has just taken out of force.
 */
void auth_keys_take(struct auth *auth, struct auth_settings *settings, struct auth_keys *read)
{
	bool failed = read->err.text[0] != '\0';

	if (!failed || !same_source(auth->settings, settings)) {
		jwt_keys_unref(&auth->keys.keys);
		auth->keys.keys = read->keys;
		read->keys = NULL;
	}
	auth->keys.stamp = read->stamp;
	auth->keys.err = read->err;
	if (settings != auth->settings) {
		auth_settings_unref(&auth->settings);
		auth->settings = settings;
	}
	if (failed)
		quote_log(LOG_LEVEL_ERROR, "error", read->err.text, "auth keys=%s",
			auth->keys.keys == NULL ? "none" : "old");
	else if (settings->has_tokens)
		log_event(LOG_LEVEL_NOTICE, "auth keys=%zu", jwt_keys_count(auth->keys.keys));
}

void auth_keys_look(struct auth *auth, bool always)
{
	struct file_stamp stamp = { .exists = false };
	struct auth_keys read;

	if (auth->settings->keys_file[0] != '\0')
		(void)file_stamp(auth->settings->keys_file, &stamp, NULL);
	if (!always && file_stamp_equal(&stamp, &auth->keys.stamp))
		return;
	auth_keys_read(auth->settings, &read);
	auth_keys_take(auth, auth->settings, &read);
}
