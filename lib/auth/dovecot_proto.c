/*
 * Reads the commands and writes the answers of the Dovecot authentication protocol. It has no state
 * and runs on any thread.
 */
#include "lib/auth/dovecot_proto.h"

#include <string.h>

#include "lib/auth/base64.h"
#include "lib/auth/sasl.h"

/* Cut off and return the next field; NULL after the last. */
static char *next_field(char **at)
{
	char *field = *at, *tab;

	if (field == NULL)
		return NULL;
	tab = strchr(field, '\t');
	*at = tab == NULL ? NULL : tab + 1;
	if (tab != NULL)
		*tab = '\0';
	return field;
}

/* Read a number of at most 32 bits that has only digits. */
static int read_number(const char *text, uint32_t *number_r)
{
	uint64_t number = 0;
	size_t i;

	for (i = 0; text[i] >= '0' && text[i] <= '9' && i < 10; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	if (i == 0 || text[i] != '\0' || number > UINT32_MAX)
		return -1;
	*number_r = (uint32_t)number;
	return 0;
}

static enum dovecot_verb verb_of(const char *word)
{
	static const struct {
		const char *word;
		enum dovecot_verb verb;
	} verbs[] = {
		{ "AUTH", DOVECOT_AUTH },
		{ "CONT", DOVECOT_CONT },
		{ "CANCEL", DOVECOT_CANCEL },
		{ "CPID", DOVECOT_CPID },
		{ "VERSION", DOVECOT_VERSION },
	};

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(verbs[i].word, word) == 0)
			return verbs[i].verb;
	}
	return DOVECOT_OTHER;
}

/* Read the parameters of AUTH, skipping unknown ones. resp= is the last one, so the rest of the
 * line belongs to it. */
static void read_parameters(char *at, const char *end, struct dovecot_command *command)
{
	const char *field;

	while (at != NULL) {
		if (strncmp(at, "resp=", 5) == 0) {
			command->response = at + 5;
			command->response_len = (size_t)(end - command->response);
			return;
		}
		field = next_field(&at);
		if (strcmp(field, "secured") == 0 || strncmp(field, "secured=", 8) == 0)
			command->secured = true;
		else if (strncmp(field, "rip=", 4) == 0 && strchr(field, '/') == NULL)
			(void)cidr_parse(field + 4, &command->client, NULL);
	}
}

static int read_auth(char *at, const char *end, struct dovecot_command *command, struct errmsg *err)
{
	const char *mechanism = next_field(&at);

	if (mechanism == NULL || mechanism[0] == '\0')
		return errmsg_set(err, "AUTH without a mechanism");
	command->mechanism = mechanism;
	read_parameters(at, end, command);
	return 0;
}

int dovecot_parse(char *line, size_t len, struct dovecot_command *command_r, struct errmsg *err)
{
	struct dovecot_command command = { .verb = DOVECOT_OTHER };
	const char *end = line + len, *id;
	char *at = line;

	if (strlen(line) != len)
		return errmsg_set(err, "the line contains a NUL");
	command.verb = verb_of(next_field(&at));
	if (command.verb != DOVECOT_OTHER) {
		id = next_field(&at);
		if (id == NULL || read_number(id, &command.id) < 0)
			return errmsg_set(err, "a command without a number");
	}
	if (command.verb == DOVECOT_AUTH && read_auth(at, end, &command, err) < 0)
		return -1;
	if (command.verb == DOVECOT_CONT) {
		command.response = at == NULL ? end : at;
		command.response_len = (size_t)(end - command.response);
	}
	*command_r = command;
	return 0;
}

void dovecot_greet(struct strbuf *out, const struct dovecot_greeting *greeting)
{
	strbuf_add_str(out, "VERSION\t1\t1\n");
	for (int i = 0; i < SASL_MECHANISMS; i++) {
		const enum sasl_mechanism mechanism = (enum sasl_mechanism)i;

		if ((greeting->mechanisms & SASL_BIT(i)) != 0)
			strbuf_addf(out, "MECH\t%s%s\n", sasl_name(mechanism),
				(sasl_flags(mechanism) & SASL_PLAINTEXT) != 0 ? "\tplaintext" : "");
	}
	strbuf_addf(out, "SPID\t%u\nCUID\t%u\nCOOKIE\t%s\nDONE\n", greeting->spid, greeting->cuid,
		greeting->cookie);
}

/* Escape with ^A, as Dovecot does, the characters that would end a field, a line or a string. */
static void add_escaped(struct strbuf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '\t':
			strbuf_add_str(out, "\001t");
			break;
		case '\n':
			strbuf_add_str(out, "\001n");
			break;
		case '\r':
			strbuf_add_str(out, "\001r");
			break;
		case '\001':
			strbuf_add_str(out, "\0011");
			break;
		default:
			strbuf_add_char(out, *text);
		}
	}
}

void dovecot_ok(struct strbuf *out, uint32_t id, const char *user)
{
	strbuf_addf(out, "OK\t%u\tuser=", (unsigned)id);
	add_escaped(out, user);
	strbuf_add_char(out, '\n');
}

void dovecot_continue(struct strbuf *out, uint32_t id, const char *challenge, size_t len)
{
	strbuf_addf(out, "CONT\t%u\t", (unsigned)id);
	base64_encode(out, challenge, len);
	strbuf_add_char(out, '\n');
}

void dovecot_fail(struct strbuf *out, uint32_t id, const char *user, const char *reason)
{
	strbuf_addf(out, "FAIL\t%u", (unsigned)id);
	if (user[0] != '\0') {
		strbuf_add_str(out, "\tuser=");
		add_escaped(out, user);
	}
	if (reason[0] != '\0') {
		strbuf_add_str(out, "\treason=");
		add_escaped(out, reason);
	}
	strbuf_add_char(out, '\n');
}

void dovecot_fail_undecided(struct strbuf *out, uint32_t id)
{
	strbuf_addf(out, "FAIL\t%u\ttemp\n", (unsigned)id);
}
