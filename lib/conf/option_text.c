/*
 * Writes the value of a key as postern.conf would contain it, the opposite of option_value.c: one
 * function per type. Holds no state; any thread.
 */
#include "lib/conf/option_text.h"

#include <inttypes.h>
#include <string.h>

#include "lib/conf/conninfo.h"

/* The member that holds the value; NULL if none does. */
static const void *member_of(const struct config_option *option, const struct config *config,
	const struct service *service)
{
	const char *base = NULL;

	switch (option->home) {
	case HOME_CONFIG:
		base = (const char *)config;
		break;
	case HOME_SETTINGS:
		base = (const char *)config->settings;
		break;
	case HOME_SERVICE:
		base = (const char *)service;
		break;
	case HOME_NOWHERE:
		return NULL;
	}
	return base + option->offset;
}

static uint64_t number_of(const struct config_option *option, const void *member)
{
	uint64_t number = 0;
	uint32_t half;

	if (option->size == sizeof(bool))
		return *(const bool *)member ? 1 : 0;
	if (option->size == sizeof(number)) {
		memcpy(&number, member, sizeof(number));
		return number;
	}
	memcpy(&half, member, sizeof(half));
	return half;
}

static void add_word(const struct option_word *words, uint64_t value, struct strbuf *text)
{
	for (; words->word != NULL; words++) {
		if ((uint64_t)words->value == value) {
			strbuf_add_str(text, words->word);
			return;
		}
	}
}

static void add_set(const struct option_word *words, uint64_t set, struct strbuf *text)
{
	const char *space = "";

	for (; words->word != NULL; words++) {
		if ((set & (uint64_t)words->value) == 0)
			continue;
		strbuf_addf(text, "%s%s", space, words->word);
		space = " ";
	}
}

/* Add names that each have their NUL; an empty one ends them. */
static void add_domains(const char *names, struct strbuf *text)
{
	for (const char *name = names; *name != '\0'; name += strlen(name) + 1)
		strbuf_addf(text, "%s%s", name == names ? "" : " ", name);
}

static void add_networks(const struct service *service, struct strbuf *text)
{
	char net[CIDR_TEXT_SIZE];

	for (size_t i = 0; i < service->exempt_count; i++) {
		cidr_format(&service->exempt[i], net);
		strbuf_addf(text, "%s%s", i == 0 ? "" : " ", net);
	}
}

/* A socket that would be chosen if it were empty has a word for "none". */
static void add_socket(const struct config_option *option, const char *socket, struct strbuf *text)
{
	strbuf_add_str(text,
		*socket == '\0' && option->words != NULL ? option->words[0].word : socket);
}

static void add_secret(const struct config_option *option, const struct config *config,
	const char *value, struct strbuf *text)
{
	if (strcmp(option->name, "conninfo") == 0)
		conninfo_hide(value, text);
	else if (*value != '\0' && config_line(config, option->section, option->name) != 0)
		strbuf_add_str(text, CONNINFO_HIDDEN); /* not that of a password_file */
}

static void add_number(const struct config_option *option, uint64_t number, struct strbuf *text)
{
	if (number != 0 || *option->fallback != '\0') /* 0: not set */
		options_add_number(option->type, (int64_t)number, text);
}

void option_text(const struct config_option *option, const struct config *config,
	const struct service *service, struct strbuf *text)
{
	const struct service *home = service != NULL ? service : &config->settings->services[0];
	const void *member = member_of(option, config, home);

	if (member == NULL)
		return;
	switch (option->type) {
	case OPTION_BOOL:
		strbuf_add_str(text, number_of(option, member) != 0 ? "yes" : "no");
		break;
	case OPTION_WORD:
		add_word(option->words, number_of(option, member), text);
		break;
	case OPTION_SET:
		add_set(option->words, number_of(option, member), text);
		break;
	case OPTION_INT:
	case OPTION_DURATION:
	case OPTION_SIZE:
		add_number(option, number_of(option, member), text);
		break;
	case OPTION_MODE:
		strbuf_addf(text, "%04" PRIo64, number_of(option, member));
		break;
	case OPTION_DOMAINS:
		add_domains(*(const char *const *)member, text);
		break;
	case OPTION_NETWORKS:
		add_networks(home, text);
		break;
	case OPTION_SOCKET:
		add_socket(option, *(const char *const *)member, text);
		break;
	case OPTION_NAME:
	case OPTION_STRING:
	case OPTION_PATH:
	case OPTION_DOMAIN:
	case OPTION_FIELD:
		if ((option->flags & OPTION_SECRET) != 0)
			add_secret(option, config, *(const char *const *)member, text);
		else
			strbuf_add_str(text, *(const char *const *)member);
		break;
	}
}
