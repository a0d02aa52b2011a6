#include "lib/conf/options.h"

#include <inttypes.h>
#include <string.h>

static bool is_check_of_service(const char *section)
{
	return strncmp(section, "check ", 6) == 0 && section[6] != '\0';
}

static const char *table_section(const char *section)
{
	return is_check_of_service(section) ? "check" : section;
}

const struct config_option *options_find(const char *section, const char *name)
{
	const struct config_option *all;
	size_t count, i;

	all = options_all(&count);
	section = table_section(section);
	for (i = 0; i < count; i++)
		if (strcmp(all[i].section, section) == 0 && strcmp(all[i].name, name) == 0)
			return &all[i];
	return NULL;
}

bool options_has_section(const char *section)
{
	const struct config_option *all;
	size_t count, i;

	all = options_all(&count);
	section = table_section(section);
	for (i = 0; i < count; i++)
		if (strcmp(all[i].section, section) == 0)
			return true;
	return false;
}

/* In the largest unit that leaves a whole number: 86400 with 1, 60, 3600, 86400 is "1d". */
static void add_in_unit(struct strbuf *text, int64_t value, const int64_t *units,
	const char *letters)
{
	size_t i = strlen(letters);

	while (i > 0 && (value == 0 || value % units[i - 1] != 0))
		i--;
	if (i == 0)
		strbuf_addf(text, "%" PRId64, value);
	else
		strbuf_addf(text, "%" PRId64 "%c", value / units[i - 1], letters[i - 1]);
}

static void add_duration(struct strbuf *text, int64_t seconds)
{
	static const int64_t units[] = { 1, 60, 3600, 86400 };

	add_in_unit(text, seconds, units, "smhd");
}

static void add_size(struct strbuf *text, int64_t bytes)
{
	static const int64_t units[] = { 1 << 10, 1 << 20, 1 << 30 };

	add_in_unit(text, bytes, units, "kMG");
}

static void add_words(struct strbuf *text, const struct option_word *words)
{
	size_t i;

	for (i = 0; words[i].word != NULL; i++) {
		if (i > 0)
			strbuf_add_str(text, words[i + 1].word != NULL ? ", " : " or ");
		strbuf_add_str(text, words[i].word);
	}
}

void options_describe(const struct config_option *option, struct strbuf *text)
{
	switch (option->type) {
	case OPTION_BOOL:
		strbuf_add_str(text, "yes or no");
		break;
	case OPTION_WORD:
	case OPTION_NAME:
		add_words(text, option->words);
		break;
	case OPTION_SET:
		strbuf_add_str(text, "one or more of ");
		add_words(text, option->words);
		break;
	case OPTION_INT:
		strbuf_addf(text, "a number from %" PRId64 " to %" PRId64, option->min,
			option->max);
		break;
	case OPTION_DURATION:
		strbuf_add_str(text, "a time from ");
		add_duration(text, option->min);
		strbuf_add_str(text, " to ");
		add_duration(text, option->max);
		strbuf_add_str(text, " (a number of seconds, or one with s, m, h or d)");
		break;
	case OPTION_SIZE:
		strbuf_add_str(text, "a size from ");
		add_size(text, option->min);
		strbuf_add_str(text, " to ");
		add_size(text, option->max);
		strbuf_add_str(text, " (a number of bytes, or one with k, M or G)");
		break;
	case OPTION_MODE:
		strbuf_add_str(text, "octal permissions, such as 0660");
		break;
	case OPTION_STRING:
		strbuf_addf(text, "text of at most %" PRId64 " bytes", option->max);
		break;
	case OPTION_PATH:
		strbuf_add_str(text, "a path");
		break;
	case OPTION_SOCKET:
		strbuf_add_str(text, "unix:PATH or inet:PORT@HOST");
		break;
	case OPTION_DOMAIN:
		strbuf_add_str(text, "a domain name, such as example.com");
		break;
	case OPTION_FIELD:
		strbuf_add_str(text, "a header field's name, such as X-Postern-Results");
		break;
	case OPTION_NETWORKS:
		strbuf_add_str(text,
			"addresses and networks with spaces between, such as 192.0.2.7 2001:db8::/32");
		break;
	}
}

/* The kind of value in a word or two, with its unit and bounds. */
static void add_kind(struct strbuf *text, const struct config_option *option)
{
	switch (option->type) {
	case OPTION_INT:
		strbuf_addf(text, "number, %" PRId64 " to %" PRId64, option->min, option->max);
		break;
	case OPTION_DURATION:
		strbuf_add_str(text, "time in seconds, ");
		add_duration(text, option->min);
		strbuf_add_str(text, " to ");
		add_duration(text, option->max);
		break;
	case OPTION_SIZE:
		strbuf_add_str(text, "size in bytes, ");
		add_size(text, option->min);
		strbuf_add_str(text, " to ");
		add_size(text, option->max);
		break;
	case OPTION_MODE:
		strbuf_add_str(text, "octal mode");
		break;
	case OPTION_STRING:
		strbuf_addf(text, "text, at most %" PRId64 " bytes", option->max);
		break;
	case OPTION_PATH:
		strbuf_add_str(text, "path");
		break;
	case OPTION_SOCKET:
		strbuf_add_str(text, "socket");
		break;
	case OPTION_DOMAIN:
		strbuf_add_str(text, "domain name");
		break;
	case OPTION_FIELD:
		strbuf_add_str(text, "name of a header field");
		break;
	case OPTION_NETWORKS:
		strbuf_add_str(text, "addresses and networks");
		break;
	default:
		options_describe(option, text);
		break;
	}
}

void options_summarize(const struct config_option *option, struct strbuf *text)
{
	if (option->flags & OPTION_FOREIGN) {
		strbuf_add_str(text, "without a meaning here");
		return;
	}
	add_kind(text, option);
	strbuf_addf(text, "; default: %s; %s",
		*option->fallback != '\0' ? option->fallback : "empty",
		option->flags & OPTION_RELOAD ? "reload" : "restart");
}
