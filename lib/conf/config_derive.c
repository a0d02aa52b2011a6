/*
 * Derives the members of a configuration that follow from keys of postern.conf: the connection
 * string, the secrets, the sockets, the limits, and settings that several keys determine. Holds no
 * state; any thread. t/unit/test_config.c covers it.
 */
#include <ctype.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/auth/jwt_keys.h"
#include "lib/base/hash.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/conf/config_private.h"
#include "lib/conf/config_rates.h"
#include "lib/conf/config_sockets.h"
#include "lib/conf/conninfo.h"
#include "lib/conf/file.h"
#include "lib/conf/options.h"

#define SECRET_MAX (64u << 10)

/* Read the only line of a secret file into *secret, which must not be set in postern.conf too. */
static int read_secret(struct config_filling *f, enum config_text which, const char *file,
	const char **secret, struct errmsg *err)
{
	const bool is_token = which == CONFIG_TEXT_SECRET;
	const char *section = is_token ? "jwt" : "database",
		   *name = is_token ? "secret" : "password";
	char key[64], *text;
	const char *copy = NULL, *line;
	size_t len, mark;

	(void)text_format(key, sizeof(key), "%s_file", name);
	if (*file == '\0')
		return 0;
	if (**secret != '\0') {
		(void)errmsg_set(err, "%s is also set in line %u; set only one of them", name,
			config_line(f->config, section, name));
		return config_key_error(f->config, section, key, err);
	}
	if (file_read_secret(file, SECRET_MAX, f->config->user, &text, &len, err) != FILE_READ)
		return config_key_error(f->config, section, key, err);
	f->config->content[which] = hash_bytes(text, len);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
	mark = utf8_mark_len(text, len);
	line = text + mark;
	if (len == mark)
		(void)errmsg_set(err, "%s: is empty", file);
	else if (strlen(line) != len - mark)
		(void)errmsg_set(err,
			"%s: contains NUL, as UTF-16 text does; save it as UTF-8 text", file);
	else if (strchr(line, '\n') != NULL)
		(void)errmsg_set(err, "%s: contains more than one line of text", file);
	else if ((copy = arena_memdup(f->config->arena, line, len - mark)) == NULL)
		(void)errmsg_set(err, "out of memory");
	explicit_bzero(text, len);
	free(text);
	if (copy == NULL)
		return config_key_error(f->config, section, key, err);
	*secret = copy;
	return 0;
}

static int build_conninfo(struct config_filling *f, struct errmsg *err)
{
	struct config_given *given = &f->config->given;
	struct strbuf text = STRBUF_INIT;
	const char *extra = *given->host != '\0' ? "host" :
		given->port != 0		 ? "port" :
		*given->database != '\0'	 ? "database" :
		*given->user != '\0'		 ? "user" :
						   NULL;

	if (*given->conninfo != '\0' && extra != NULL) {
		(void)errmsg_set(err, "conninfo is set in line %u; put this parameter there",
			config_line(f->config, "database", "conninfo"));
		return config_key_error(f->config, "database", extra, err);
	}
	if (read_secret(f, CONFIG_TEXT_PASSWORD, given->password_file, &given->password, err) < 0)
		return -1;
	conninfo_build(given, &text);
	if (!text.failed)
		f->config->database.conninfo =
			arena_memdup(f->config->arena, text.len > 0 ? text.text : "", text.len);
	if (text.text != NULL)
		explicit_bzero(text.text, text.len);
	strbuf_free(&text);
	if (f->config->database.conninfo == NULL)
		return errmsg_set(err, "%s: out of memory", f->config->path);
	return 0;
}

/* Find the number of the user in "USER" or "USER:GROUP"; (uid_t)-1 if there is none. */
static uid_t find_user(const char *name)
{
	struct passwd entry, *found = NULL;
	char user[64], text[4096];
	size_t len = strcspn(name, ":");

	if (len == 0 || len >= sizeof(user))
		return (uid_t)-1;
	memcpy(user, name, len);
	user[len] = '\0';
	if (getpwnam_r(user, &entry, text, sizeof(text), &found) != 0 || found == NULL)
		return (uid_t)-1;
	return found->pw_uid;
}

/* Read the shared secret of tokens, which is long enough to be one. */
static int derive_token_secret(struct config_filling *f, struct errmsg *err)
{
	struct config *c = f->config;
	struct settings *s = f->homes.settings;

	if (read_secret(f, CONFIG_TEXT_SECRET, c->given.secret_file, &c->jwt.secret, err) < 0)
		return -1;
	if (*c->jwt.secret != '\0' && strlen(c->jwt.secret) < JWT_SECRET_MIN) {
		(void)errmsg_set(err, "the shared secret has %zu bytes; it needs at least %d",
			strlen(c->jwt.secret), JWT_SECRET_MIN);
		return config_key_error(c, "jwt",
			*c->given.secret_file != '\0' ? "secret_file" : "secret", err);
	}
	if (*c->jwt.secret == '\0' && *c->jwt.keys_file == '\0')
		return 0; /* without a key there are no tokens, so that no login is a token's */
	s->token_login = arena_strdup(s->arena, c->given.token_login);
	if (s->token_login == NULL)
		return errmsg_set(err, "%s: out of memory", c->path);
	return 0;
}

static int derive_rates(struct config_filling *f, struct errmsg *err)
{
	const char *key;

	return config_apply_rates(f->config, &key, err) < 0 ?
		config_key_error(f->config, "limit", key, err) :
		0;
}

/* Refuse what is a word rather than delimiters, such as "none": each of its letters would begin an
 * extension. */
static int check_delimiter(const struct config_filling *f, const char *section, const char *value,
	struct errmsg *err)
{
	const char *at = value;

	while (*at != '\0' && !isalnum((unsigned char)*at) && strchr("\"' \t@", *at) == NULL)
		at++;
	if (*at == '\0')
		return 0;
	(void)errmsg_set(err,
		"\"%s\": '%c' cannot begin an address extension; write characters such as +, or "
		"nothing if there are no extensions",
		value, *at);
	return config_key_error(f->config, section, "recipient_delimiter", err);
}

/* Give the keys of [lists] that are not set the values of those of [profile]. */
static int derive_lists(const struct config_filling *f, struct errmsg *err)
{
	struct settings *s = f->homes.settings;

	if (check_delimiter(f, "profile", s->recipient_delimiter, err) < 0 ||
		check_delimiter(f, "lists", s->list_delimiter, err) < 0)
		return -1;
	if (config_line(f->config, "lists", "recipient_delimiter") == 0)
		s->list_delimiter = s->recipient_delimiter;
	if (config_line(f->config, "lists", "local_domains") != 0)
		return 0;
	return option_set(options_find("lists", "local_domains"), &f->homes, s->default_domain,
		err);
}

/* Set the members that follow from other keys and cannot be wrong. */
static int derive_settings(struct config_filling *f, struct errmsg *err)
{
	struct config *c = f->config;
	struct settings *s = f->homes.settings;
	const char *unknown = c->given.unknown_user;
	struct service *services;

	s->unknown_user = strcasecmp(unknown, "reject") == 0 ? UNKNOWN_REJECT :
		strcasecmp(unknown, "accept") == 0	     ? UNKNOWN_ACCEPT :
							       UNKNOWN_PROFILE;
	s->unknown_profile =
		arena_strdup(s->arena, s->unknown_user == UNKNOWN_PROFILE ? unknown : "");
	services = arena_alloc(s->arena, f->service_count * sizeof(*services));
	if (s->unknown_profile == NULL || services == NULL)
		return errmsg_set(err, "%s: out of memory", c->path);
	memcpy(services, f->services, f->service_count * sizeof(*services));
	s->services = services;
	s->service_count = f->service_count;
	if (derive_lists(f, err) < 0)
		return -1;
	return 0;
}

/* Set the members that depend on the daemon's user. The sockets must not depend on the process that
 * asks, because posternctl and the daemon have to agree. */
static int derive_user(struct config_filling *f, struct errmsg *err)
{
	struct config *c = f->config;
	const uid_t user = find_user(f->user != NULL ? f->user : c->milter.user);

	c->user = geteuid() == 0 ? user : (uid_t)-1; /* only root's process can become it */
	return config_choose_sockets(c, SOCKETS_POSTFIX_FOLDER,
		user != (uid_t)-1 ? user : geteuid(), err);
}

int config_derive(struct config_filling *f, struct errmsg *err)
{
	int (*const derive[])(struct config_filling *, struct errmsg *) = { derive_settings,
		derive_user, build_conninfo, derive_rates, derive_token_secret };
	struct errmsg why;
	int ret = 0;

	for (size_t i = 0; i < sizeof(derive) / sizeof(derive[0]); i++) {
		if (derive[i](f, &why) == 0)
			continue;
		if (ret == 0)
			*err = why;
		ret = -1;
		if (f->errors == NULL)
			return -1;
		problems_add(f->errors, "%s", why.text);
	}
	return ret;
}
