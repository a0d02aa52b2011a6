#include <stdlib.h>
#include <string.h>

#include "milter/auth_private.h"
#include "milter/log.h"

#define KEYS_FILE_MAX (1U << 20)

static bool has_secret(const struct jwt_keys *keys)
{
	for (size_t i = 0; i < jwt_keys_count(keys); i++) {
		if (jwt_keys_at(keys, i)->secret != NULL)
			return true;
	}
	return false;
}

/* Public keys may stand where everybody can read them; shared secrets may not. */
static int read_file(struct jwt_keys *keys, const char *path, struct problems *problems,
	struct errmsg *err)
{
	char *text;
	size_t len;
	int ret;

	if (file_read(path, KEYS_FILE_MAX, &text, &len, NULL, err) != FILE_READ)
		return -1;
	ret = jwt_keys_add_text(keys, text, len, problems, err);
	explicit_bzero(text, len);
	free(text);
	if (ret < 0)
		return errmsg_prefix(err, "%s: ", path);
	if (has_secret(keys)) {
		if (file_read_secret(path, KEYS_FILE_MAX, &text, &len, err) != FILE_READ)
			return -1;
		explicit_bzero(text, len);
		free(text);
	}
	return 0;
}

static int read_keys(const struct auth_settings *settings, struct jwt_keys **keys_r,
	struct problems *problems, struct errmsg *err)
{
	struct jwt_keys *keys = jwt_keys_new();
	int ret = 0;

	if (keys == NULL)
		return errmsg_set(err, "out of memory");
	if (settings->keys_file[0] != '\0')
		ret = read_file(keys, settings->keys_file, problems, err);
	if (ret == 0 && settings->secret[0] != '\0')
		ret = jwt_keys_add_secret(keys, settings->secret, strlen(settings->secret), err);
	if (ret < 0)
		jwt_keys_unref(&keys);
	else
		*keys_r = keys;
	return ret;
}

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
	if (read_keys(settings, &keys, problems, &err) < 0) {
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
