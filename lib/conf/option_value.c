/*
 * Reads the value of a key as the option table describes it and stores it in its member: one
 * function per type. Holds no state; any thread.
 */
#include "lib/conf/option_value.h"

#include <ctype.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/text.h"
#include "lib/match/domain.h"

#define SHOWN_MAX 80 /* bytes of a bad value that a message shows */
/* A header line has 78 characters (RFC 5322 section 2.1.1), two of them the colon and a space. */
#define FIELD_NAME_MAX 76

static void *home_of(const struct config_option *option, const struct option_homes *homes)
{
	char *base = NULL;

	switch (option->home) {
	case HOME_CONFIG:
		base = (char *)homes->config;
		break;
	case HOME_SETTINGS:
		base = (char *)homes->settings;
		break;
	case HOME_SERVICE:
		base = (char *)homes->service;
		break;
	case HOME_NOWHERE:
		return NULL;
	}
	return base + option->offset;
}

static struct arena *arena_of(const struct config_option *option, const struct option_homes *homes)
{
	return option->home == HOME_CONFIG ? homes->config->arena : homes->settings->arena;
}

/* Describe what is wrong with value and what would be right; hint may be NULL. Returns -1. */
static int refuse_value(const struct config_option *option, const char *value, const char *hint,
	struct errmsg *err)
{
	struct strbuf right = STRBUF_INIT;
	const size_t shown = text_fit(value, strlen(value), SHOWN_MAX);

	options_describe(option, &right);
	strbuf_add_str(&right, hint != NULL ? "; " : "");
	strbuf_add_str(&right, hint != NULL ? hint : "");
	if (option->flags & OPTION_SECRET)
		(void)errmsg_set(err, "[%s] %s: not %s", option->section, option->name,
			right.failed ? "right" : right.text);
	else if (*value == '\0')
		(void)errmsg_set(err, "[%s] %s: empty; it must be %s", option->section,
			option->name, right.failed ? "something" : right.text);
	else
		(void)errmsg_set(err, "[%s] %s: \"%.*s\"%s is not %s", option->section,
			option->name, (int)shown, value, value[shown] != '\0' ? "..." : "",
			right.failed ? "right" : right.text);
	strbuf_free(&right);
	return -1;
}

static int out_of_memory(struct errmsg *err)
{
	return errmsg_set(err, "out of memory");
}

int option_bool(const char *value)
{
	static const char *const yes[] = { "yes", "true", "on", "1", "ok", "enabled", NULL };
	static const char *const no[] = { "no", "false", "off", "0", "disabled", NULL };
	size_t i;

	for (i = 0; yes[i] != NULL; i++)
		if (strcasecmp(value, yes[i]) == 0)
			return 1;
	for (i = 0; no[i] != NULL; i++)
		if (strcasecmp(value, no[i]) == 0)
			return 0;
	return -1;
}

static const struct option_word *find_word(const struct option_word *words, const char *text,
	size_t len)
{
	for (; words->word != NULL; words++)
		if (strlen(words->word) == len && strncasecmp(words->word, text, len) == 0)
			return words;
	return NULL;
}

/* Store a number in a member of any size: bool, 32 bits (also enums) or 64 bits. */
static void store_number(const struct config_option *option, void *home, uint64_t number)
{
	uint32_t half = (uint32_t)number;

	_Static_assert(sizeof(enum check_mode) == sizeof(uint32_t), "an enum has 32 bits");
	if (option->size == sizeof(bool))
		*(bool *)home = number != 0;
	else
		memcpy(home, option->size == sizeof(half) ? (void *)&half : (void *)&number,
			option->size);
}

static int set_word(const struct config_option *option, void *home, const char *value,
	struct errmsg *err)
{
	const struct option_word *word = find_word(option->words, value, strlen(value));
	int b;

	if (word == NULL && (b = option_bool(value)) >= 0 && option->type == OPTION_WORD)
		word = find_word(option->words, b ? "yes" : "no", b ? 3 : 2);
	if (word == NULL)
		return refuse_value(option, value, NULL, err);
	if (option->type == OPTION_NAME)
		*(const char **)home = word->word;
	else
		store_number(option, home, (uint64_t)word->value);
	return 0;
}

static int set_bool(const struct config_option *option, void *home, const char *value,
	struct errmsg *err)
{
	int b = option_bool(value);

	if (b < 0)
		return refuse_value(option, value, NULL, err);
	store_number(option, home, (uint64_t)b);
	return 0;
}

static int set_words(const struct config_option *option, void *home, const char *value,
	struct errmsg *err)
{
	const struct option_word *word;
	uint64_t set = 0;
	const char *at = value;
	size_t len;

	while (*(at += strspn(at, " \t,")) != '\0') {
		len = strcspn(at, " \t,");
		if ((word = find_word(option->words, at, len)) == NULL)
			return refuse_value(option, value, NULL, err);
		set |= (uint64_t)word->value;
		at += len;
	}
	if (set == 0)
		return refuse_value(option, value, NULL, err);
	store_number(option, home, set);
	return 0;
}

/* The factor of the unit after a number; 0 if it is not a unit of that type. */
static int64_t unit_factor(enum option_type type, const char *unit)
{
	if (*unit == '\0')
		return 1;
	if (unit[1] != '\0')
		return 0;
	if (type == OPTION_DURATION)
		return *unit == 's'  ? 1 :
			*unit == 'm' ? 60 :
			*unit == 'h' ? 3600 :
			*unit == 'd' ? 86400 :
				       0;
	if (type == OPTION_SIZE)
		return tolower((unsigned char)*unit) == 'k'  ? 1 << 10 :
			tolower((unsigned char)*unit) == 'm' ? 1 << 20 :
			tolower((unsigned char)*unit) == 'g' ? 1 << 30 :
							       0;
	return 0;
}

static int set_number(const struct config_option *option, void *home, const char *value,
	struct errmsg *err)
{
	const char *at = value;
	int64_t number = 0, factor;

	if (*value == '\0' && *option->fallback == '\0') {
		store_number(option, home, 0);
		return 0;
	}
	for (; isdigit((unsigned char)*at) && number < INT64_C(1) << 40; at++)
		number = number * 10 + (*at - '0');
	if (at == value || (factor = unit_factor(option->type, at)) == 0)
		return refuse_value(option, value, NULL, err);
	if (number > INT64_MAX / factor || number * factor < option->min ||
		number * factor > option->max)
		return refuse_value(option, value, NULL, err);
	store_number(option, home, (uint64_t)(number * factor));
	return 0;
}

static int set_mode(const struct config_option *option, void *home, const char *value,
	struct errmsg *err)
{
	size_t len = strlen(value);
	char *end;
	unsigned long mode = strtoul(value, &end, 8);

	if (len < 3 || len > 4 || strspn(value, "01234567") != len || mode > 0777)
		return refuse_value(option, value, NULL, err);
	store_number(option, home, mode);
	return 0;
}

static int set_string(const struct config_option *option, struct arena *arena, void *home,
	const char *value, struct errmsg *err)
{
	char *copy;

	if (option->max > 0 && strlen(value) > (size_t)option->max)
		return refuse_value(option, value, NULL, err);
	if ((copy = arena_strdup(arena, value)) == NULL)
		return out_of_memory(err);
	*(const char **)home = copy;
	return 0;
}

/* Store prefix and path; a relative path starts from the directory of postern.conf. */
static int set_path(const struct config_option *option, const struct option_homes *homes,
	void *home, const char *prefix, const char *path, struct errmsg *err)
{
	const char *folder = homes->config->folder;
	bool joined = *path != '\0' && *path != '/';
	size_t len, size = strlen(prefix) + strlen(folder) + strlen(path) + 2;
	char *copy = arena_alloc(arena_of(option, homes), size);

	if (copy == NULL)
		return out_of_memory(err);
	(void)text_format(copy, size, "%s%s%s%s", prefix, joined ? folder : "",
		joined && strcmp(folder, "/") != 0 ? "/" : "", path);
	len = strlen(copy) - strlen(prefix);
	if (option->max > 0 && len > (size_t)option->max)
		return errmsg_set(err,
			"[%s] %s: the path %.*s has %zu bytes; that of a socket has at most "
			"%" PRId64,
			option->section, option->name, TEXT_CUT(copy + strlen(prefix), 200), len,
			option->max);
	if (option->max > 0 && len > 0 && copy[strlen(prefix) + len - 1] == '/')
		return errmsg_set(err,
			"[%s] %s: %.*s ends with / like a directory; add the name of the socket",
			option->section, option->name, TEXT_CUT(copy + strlen(prefix), 200));
	*(const char **)home = copy;
	return 0;
}

/* Return the error of PORT@HOST, which follows inet: or inet6:, with the right form; NULL if there
 * is none. */
static const char *inet_fault(const char *text)
{
	size_t digits = strspn(text, "0123456789");
	long port = digits > 0 && digits < 6 ? strtol(text, NULL, 10) : 0;
	const char *host = strchr(text, '@');

	if (host == NULL && strchr(text, ':') != NULL)
		return "write Postfix's inet:127.0.0.1:8894 as inet:8894@127.0.0.1";
	if (host == NULL)
		return "the @ and the host after the port are missing: inet:8894@127.0.0.1";
	if (digits == 0 || text[digits] != '@')
		return "the port before @ must be a number: inet:8894@127.0.0.1";
	if (port < 1 || port > 65535)
		return "the port must be from 1 to 65535";
	if (host[1] == '\0')
		return "the host after @ is missing: inet:8894@127.0.0.1";
	if (strpbrk(host + 1, " \t@") != NULL)
		return "the host after @ must be one address or name";
	return NULL;
}

static int set_socket(const struct config_option *option, const struct option_homes *homes,
	struct arena *arena, void *home, const char *value, struct errmsg *err)
{
	const char *path = strchr(value, ':') != NULL ? strchr(value, ':') + 1 : value;
	const struct option_word *word;
	const char *fault;

	if (option->words != NULL &&
		(word = find_word(option->words, value, strlen(value))) != NULL)
		return set_string(option, arena, home, word->word, err);
	if (*value == '\0' || strncmp(value, "inet:", 5) == 0 || strncmp(value, "inet6:", 6) == 0) {
		fault = *value == '\0' ? NULL : inet_fault(path);
		return fault != NULL ? refuse_value(option, value, fault, err) :
				       set_string(option, arena, home, value, err);
	}
	if (strncmp(value, "unix:", 5) != 0 && strncmp(value, "local:", 6) != 0)
		path = *value == '/' ? value : "";
	if (*path == '\0')
		return refuse_value(option, value, NULL, err);
	return set_path(option, homes, home, "unix:", path, err);
}

/* Write the canonical form of a domain. Returns its length, or -1 when it is not a domain. */
static int canon_domain(const char *value, size_t len, char canon_r[DOMAIN_SIZE])
{
	int canon_len = domain_canon(value, len, canon_r);

	if (canon_len < 0 || canon_r[0] == '.' || strstr(canon_r, "..") != NULL ||
		(canon_len == 0 && len > 0))
		return -1;
	for (const char *c = canon_r; *c != '\0'; c++) {
		if ((unsigned char)*c < 0x80 && !isalnum((unsigned char)*c) &&
			strchr(".-_", *c) == NULL)
			return -1;
	}
	return canon_len;
}

static int set_domain(const struct config_option *option, struct arena *arena, void *home,
	const char *value, struct errmsg *err)
{
	char canon[DOMAIN_SIZE];

	if (canon_domain(value, strlen(value), canon) < 0)
		return refuse_value(option, value, NULL, err);
	return set_string(option, arena, home, canon, err);
}

static int set_domains(const struct config_option *option, struct arena *arena, void *home,
	const char *value, struct errmsg *err)
{
	struct strbuf all = STRBUF_INIT;
	char canon[DOMAIN_SIZE], *copy;
	int64_t count = 0;
	const char *at;
	size_t len;
	int canon_len;

	strbuf_add(&all, "", 0);
	for (at = value; *(at += strspn(at, " \t,")) != '\0'; at += len) {
		len = strcspn(at, " \t,");
		canon_len = canon_domain(at, len, canon);
		if (canon_len < 0 || ++count > option->max) {
			strbuf_free(&all);
			return refuse_value(option, value, NULL, err);
		}
		strbuf_add(&all, canon, (size_t)canon_len + 1);
	}
	copy = all.failed ? NULL : arena_memdup(arena, all.text, all.len);
	strbuf_free(&all);
	if (copy == NULL)
		return out_of_memory(err);
	*(const char **)home = copy;
	return 0;
}

/* Header fields that mail, its readers or other filters use (RFC 5322, 2045, 2369, 6376, 8601, 8617
 * and others); one that ends with '-' stands for all that begin with it. Postern would remove the
 * sender's, and add its own. */
static const char *const fields_of_mail[] = { "Arc-", "Authentication-Results", "Auto-Submitted",
	"Autocrypt", "Bcc", "Cc", "Comments", "Content-", "Date", "Delivered-To",
	"Disposition-Notification-To", "DKIM-Signature", "DomainKey-Signature", "From",
	"Importance", "In-Reply-To", "Keywords", "List-", "Message-ID", "MIME-Version",
	"Organization", "Precedence", "Priority", "Received", "Received-SPF", "References",
	"Reply-To", "Resent-", "Return-Path", "Return-Receipt-To", "Sender", "Subject", "To",
	"User-Agent", "X-Mailer", "X-Original-To", "X-Priority", NULL };

static bool is_field_of_mail(const char *name)
{
	for (const char *const *field = fields_of_mail; *field != NULL; field++) {
		const size_t len = strlen(*field);

		if (strncasecmp(name, *field, len) == 0 &&
			(name[len] == '\0' || (*field)[len - 1] == '-'))
			return true;
	}
	return false;
}

static int set_field(const struct config_option *option, struct arena *arena, void *home,
	const char *value, struct errmsg *err)
{
	size_t i;

	for (i = 0; value[i] != '\0'; i++) /* ftext of RFC 5322 section 3.6.8 */
		if (value[i] <= ' ' || value[i] >= 127 || value[i] == ':' || i >= FIELD_NAME_MAX)
			return refuse_value(option, value, NULL, err);
	if (is_field_of_mail(value))
		return errmsg_set(err,
			"[%s] %s: mail already has fields named %s; write another name, such as "
			"X-Postern-Results",
			option->section, option->name, value);
	return set_string(option, arena, home, value, err);
}

static int set_networks(const struct config_option *option, const struct option_homes *homes,
	const char *value, struct errmsg *err)
{
	struct cidr *nets;
	struct errmsg why = { "" };
	char text[CIDR_TEXT_SIZE + 8];
	const char *at;
	size_t len, count = 0;

	for (at = value; *(at += strspn(at, " \t,")) != '\0'; at += strcspn(at, " \t,"))
		count++;
	if ((nets = arena_alloc(homes->settings->arena, (count + 1) * sizeof(*nets))) == NULL)
		return out_of_memory(err);
	count = 0;
	for (at = value; *(at += strspn(at, " \t,")) != '\0'; at += len) {
		len = strcspn(at, " \t,");
		(void)text_format(text, sizeof(text), "%.*s", TEXT_CUT_LEN(at, len, INT_MAX));
		if (len >= sizeof(text))
			return refuse_value(option, text, NULL, err);
		if (cidr_parse(text, &nets[count], &why) < 0)
			return errmsg_set(err, "[%s] %s: %s", option->section, option->name,
				why.text);
		count++;
	}
	homes->service->exempt = nets;
	homes->service->exempt_count = count;
	return 0;
}

int option_set(const struct config_option *option, const struct option_homes *homes,
	const char *value, struct errmsg *err)
{
	struct arena *arena = arena_of(option, homes);
	void *home = home_of(option, homes);

	if (*value == '\0' && (option->flags & OPTION_NO_EMPTY))
		return refuse_value(option, value, NULL, err);
	if (home == NULL)
		return 0;
	switch (option->type) {
	case OPTION_BOOL:
		return set_bool(option, home, value, err);
	case OPTION_WORD:
	case OPTION_NAME:
		return set_word(option, home, value, err);
	case OPTION_SET:
		return set_words(option, home, value, err);
	case OPTION_INT:
	case OPTION_DURATION:
	case OPTION_SIZE:
		return set_number(option, home, value, err);
	case OPTION_MODE:
		return set_mode(option, home, value, err);
	case OPTION_STRING:
		return set_string(option, arena, home, value, err);
	case OPTION_PATH:
		return set_path(option, homes, home, "", value, err);
	case OPTION_SOCKET:
		return set_socket(option, homes, arena, home, value, err);
	case OPTION_DOMAIN:
		return set_domain(option, arena, home, value, err);
	case OPTION_DOMAINS:
		return set_domains(option, arena, home, value, err);
	case OPTION_FIELD:
		return set_field(option, arena, home, value, err);
	case OPTION_NETWORKS:
		return set_networks(option, homes, value, err);
	}
	return errmsg_set(err, "[%s] %s: has no type", option->section, option->name);
}
