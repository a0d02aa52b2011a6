/*
 * Examines Sendmail's configuration: whether its filters include Postern's socket, what it does
 * while Postern is down, and the names of its daemons. Owns what it reads of sendmail.cf.
 * t/integration/test_doctor_sendmail.py covers it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ctl/doctor/doctor_commands.h"
#include "ctl/doctor/doctor_examinations.h"
#include "ctl/doctor/doctor_ours.h"
#include "lib/base/strbuf.h"
#include "lib/base/text.h"
#include "lib/conf/file.h"

#define CF_DEFAULT "/etc/mail/sendmail.cf"
#define CF_BYTES_MAX ((uint64_t)4 << 20)
#define DAEMONS_MAX 32 /* Sendmail itself permits 10 */

/* The filter that is meant to be Postern, and what else of sendmail.cf the examination needs. */
struct sendmail {
	const char *path;
	char name[64], socket[300], flags[16]; /* of "Xname, S=socket, F=flags"; name "": none */
	bool is_ours;
	struct doctor_endpoint endpoint; /* of the filter that is ours */
	char filters[400];		 /* InputMailFilters */
	struct strbuf names;		 /* the daemons' names: "MTA, submission" */
	struct {
		char name[64], filters[400]; /* filters: "\n" if those of all daemons apply */
	} daemons[DAEMONS_MAX];
	size_t daemon_count;
};

/* Copy the value of KEY= in "..., KEY=value, ..."; "" if there is none. */
static void copy_value(const char *line, const char *key, char *value_r, size_t size)
{
	const size_t len = strlen(key);

	value_r[0] = '\0';
	for (const char *at = line; at != NULL; at = strchr(at, ',')) {
		at += strspn(at, ", \t");
		if (strncasecmp(at, key, len) != 0 || at[len] != '=')
			continue;
		at += len + 1;
		(void)text_format(value_r, size, "%.*s", (int)strcspn(at, ", \t\r"), at);
		return;
	}
}

/* Return whether a filter's socket, in libmilter's form, is Postern's. */
static bool is_our_socket(const struct doctor *doctor, const char *socket,
	struct doctor_endpoint *endpoint_r)
{
	const char *ours = doctor_our_socket(doctor, DOCTOR_SOCKET_MILTER);
	struct doctor_endpoint endpoint = { .is_inet = strncmp(socket, "inet", 4) == 0 };
	const char *value = strchr(socket, ':'), *host;

	value = value == NULL ? socket : value + 1;
	if (endpoint.is_inet) {
		host = strchr(value, '@');
		(void)text_format(endpoint.port, sizeof(endpoint.port), "%.*s",
			(int)strcspn(value, "@"), value);
		(void)text_format(endpoint.host, sizeof(endpoint.host), "%s",
			host == NULL ? "127.0.0.1" : host + 1);
	} else {
		(void)text_format(endpoint.outside, sizeof(endpoint.outside), "%s", value);
	}
	*endpoint_r = endpoint;
	return *ours != '\0' && doctor_endpoint_is(&endpoint, ours);
}

/* Keep a filter, "Xpostern, S=unix:/run/postern/postern.sock, F=T", if it is or seems to be ours.
 */
static void read_filter(const struct doctor *doctor, struct sendmail *sendmail, const char *line)
{
	struct doctor_endpoint endpoint;
	char name[64], socket[300];
	bool is_ours;

	(void)text_format(name, sizeof(name), "%.*s", (int)strcspn(line, ", \t"), line);
	copy_value(strchr(line, ','), "S", socket, sizeof(socket));
	is_ours = is_our_socket(doctor, socket, &endpoint);
	if (sendmail->is_ours ||
		(!is_ours && strncasecmp(name, "postern", 7) != 0 && !doctor_has_our_name(socket)))
		return;
	sendmail->is_ours = is_ours;
	sendmail->endpoint = endpoint;
	(void)text_format(sendmail->name, sizeof(sendmail->name), "%s", name);
	(void)text_format(sendmail->socket, sizeof(sendmail->socket), "%s", socket);
	copy_value(strchr(line, ','), "F", sendmail->flags, sizeof(sendmail->flags));
}

/* Return the value of an option, "NAME=value" or "NAME = value"; NULL: it has another name. */
static const char *option_value(const char *line, const char *name)
{
	const size_t len = strlen(name);

	if (strncasecmp(line, name, len) != 0)
		return NULL;
	line += len;
	line += strspn(line, " \t");
	return *line == '=' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

/* Read the options of a daemon, "Name=MTA, Port=25, InputMailFilters=one;two". */
static void read_daemon(struct sendmail *sendmail, const char *options)
{
	char name[64], filters[400];

	copy_value(options, "Name", name, sizeof(name));
	copy_value(options, "InputMailFilters", filters, sizeof(filters));
	if (strcasestr(options, "InputMailFilters") == NULL)
		(void)text_format(filters, sizeof(filters), "\n");
	for (char *at = filters; (at = strchr(at, ';')) != NULL;)
		*at = ',';
	if (*name != '\0')
		strbuf_addf(&sendmail->names, "%s%s", sendmail->names.len > 0 ? ", " : "", name);
	if (sendmail->daemon_count == DAEMONS_MAX)
		return;
	memcpy(sendmail->daemons[sendmail->daemon_count].name, name, sizeof(name));
	memcpy(sendmail->daemons[sendmail->daemon_count++].filters, filters, sizeof(filters));
}

/* Read an option, "InputMailFilters=postern" or "DaemonPortOptions=Name=MTA, Port=25". */
static void read_option(struct sendmail *sendmail, const char *line)
{
	const char *value;

	if ((value = option_value(line, "InputMailFilters")) != NULL)
		(void)text_format(sendmail->filters, sizeof(sendmail->filters), "%s", value);
	else if ((value = option_value(line, "DaemonPortOptions")) != NULL)
		read_daemon(sendmail, value);
}

static void read_lines(const struct doctor *doctor, struct sendmail *sendmail, char *text)
{
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		line[strcspn(line, "\r")] = '\0';
		if (line[0] == 'X')
			read_filter(doctor, sendmail, line + 1);
		else if (line[0] == 'O')
			read_option(sendmail, line + 1 + strspn(line + 1, " \t"));
	}
}

/* Set the cure: the line of sendmail.mc for Postern's socket. */
static void offer_line(struct doctor_finding *finding, const struct doctor *doctor)
{
	doctor_cure(finding,
		"Put this line into sendmail.mc, remove any other one for Postern, then rebuild "
		"sendmail.cf and restart Sendmail: INPUT_MAIL_FILTER(`postern', `S=%s, F=T, "
		"T=S:30s;R:30s;E:2m')dnl",
		doctor_our_socket(doctor, DOCTOR_SOCKET_MILTER));
}

/* Report that no filter has Postern's socket. */
static void report_lost(const struct doctor *doctor, const struct sendmail *sendmail)
{
	struct doctor_finding *finding;

	if (sendmail->name[0] == '\0')
		finding = doctor_find(doctor, DOCTOR_MAIL, "%s: Sendmail has no filter for Postern",
			sendmail->path);
	else
		finding = doctor_find(doctor, DOCTOR_MAIL,
			"%s: the filter %s has the socket %s, but Postern's is %s", sendmail->path,
			sendmail->name, sendmail->socket,
			doctor_our_socket(doctor, DOCTOR_SOCKET_MILTER));
	doctor_effect(finding, "%s",
		sendmail->name[0] != '\0' && strchr(sendmail->flags, 'T') != NULL ?
			"All mail is deferred." :
			"No rule is applied: all mail is let in unchecked.");
	offer_line(finding, doctor);
}

/* Return whether mail that a daemon receives passes the filter. */
static bool is_used(const struct sendmail *sendmail, size_t daemon)
{
	const char *own = sendmail->daemons[daemon].filters;

	return doctor_postfix_lists(strcmp(own, "\n") == 0 ? sendmail->filters : own,
		sendmail->name);
}

/* Report daemons whose mail does not pass the filter. */
static void check_daemons(const struct doctor *doctor, const struct sendmail *sendmail)
{
	struct doctor_finding *finding;
	size_t used = 0;

	for (size_t i = 0; i < sendmail->daemon_count; i++)
		used += is_used(sendmail, i);
	if (used == 0 &&
		(sendmail->daemon_count > 0 ||
			!doctor_postfix_lists(sendmail->filters, sendmail->name))) {
		finding = doctor_find(doctor, DOCTOR_MAIL,
			"%s: InputMailFilters does not contain the filter %s", sendmail->path,
			sendmail->name);
		doctor_effect(finding, "No rule is applied: all mail is let in unchecked.");
		doctor_cure(finding,
			"Use INPUT_MAIL_FILTER in sendmail.mc instead of MAIL_FILTER, or add the "
			"filter to confINPUT_MAIL_FILTERS; then rebuild sendmail.cf and restart "
			"Sendmail.");
	}
	for (size_t i = 0; used > 0 && i < sendmail->daemon_count; i++) {
		if (is_used(sendmail, i))
			continue;
		finding = doctor_find(doctor, DOCTOR_NO_EFFECT,
			"%s: the daemon %s has InputMailFilters without the filter %s",
			sendmail->path, sendmail->daemons[i].name, sendmail->name);
		doctor_effect(finding, "No rule is applied to mail that this daemon receives.");
		doctor_cure(finding,
			"Add the filter to InputMailFilters in DAEMON_OPTIONS of sendmail.mc; then "
			"rebuild sendmail.cf and restart Sendmail.");
	}
}

/* Report that nothing answers at the filter's socket. */
static void check_socket(const struct doctor *doctor, const struct sendmail *sendmail)
{
	struct doctor_finding *finding;
	int code;

	if (doctor->status == NULL) /* the daemon itself is the finding */
		return;
	if ((code = doctor_endpoint_try(&sendmail->endpoint)) == 0)
		return;
	if (code == EACCES && geteuid() != 0) {
		doctor_unexamined(doctor, "Only root can connect as Sendmail. Run doctor as root.",
			"whether Sendmail can connect to %s", sendmail->socket);
		return;
	}
	finding = doctor_find(doctor, DOCTOR_MAIL,
		"the daemon runs, but Sendmail cannot connect to its socket %s: %s",
		sendmail->socket, strerror(code));
	doctor_effect(finding, "%s",
		strchr(sendmail->flags, 'T') != NULL ?
			"All mail is deferred." :
			"No rule is applied, or all mail is refused, as F= of the filter determines.");
	doctor_cure(finding, "Restart the daemon, which makes its sockets anew.");
	doctor_restart_postern(finding);
}

/* Report a filter that exists, but is used by no daemon, or lets mail in while Postern is down. */
static void check_filter(const struct doctor *doctor, const struct sendmail *sendmail)
{
	struct doctor_finding *finding;

	check_daemons(doctor, sendmail);
	check_socket(doctor, sendmail);
	if (sendmail->flags[0] == '\0') {
		finding = doctor_find(doctor, DOCTOR_SECURITY, "%s: the filter %s has no flag F=T",
			sendmail->path, sendmail->name);
		doctor_effect(finding,
			"While Postern is down or restarts, mail is let in unchecked, and users "
			"send without their limits.");
		offer_line(finding, doctor);
	} else if (strchr(sendmail->flags, 'R') != NULL) {
		finding = doctor_find(doctor, DOCTOR_SOON, "%s: the filter %s has the flag F=R",
			sendmail->path, sendmail->name);
		doctor_effect(finding,
			"While Postern is down or restarts, mail is refused for good.");
		offer_line(finding, doctor);
	}
}

/* Report sections [check NAME] without a daemon of that name. */
static void check_names(const struct doctor *doctor, const struct sendmail *sendmail)
{
	const struct settings *settings = doctor->config->settings;
	const char *names = sendmail->names.text == NULL ? "" : sendmail->names.text;

	for (size_t i = 1; i < settings->service_count; i++) {
		const char *name = settings->services[i].name;
		struct doctor_finding *finding;

		if (doctor_postfix_lists(names, name))
			continue;
		finding = doctor_find(doctor, DOCTOR_NO_EFFECT,
			"%s: no daemon of Sendmail has the name of the section [check %s]; they "
			"have: %s",
			doctor->config->path, name, names);
		doctor_effect(finding,
			"Its settings apply to no session; those of [check] apply instead.");
		doctor_cure(finding,
			"Set Name=%s in DAEMON_OPTIONS of sendmail.mc, or correct the section.",
			name);
	}
}

void doctor_examine_sendmail(const struct doctor *doctor)
{
	struct sendmail sendmail = { .names = STRBUF_INIT };
	struct errmsg err;
	char *text;
	size_t len;

	sendmail.path = doctor->sendmail_config != NULL ? doctor->sendmail_config : CF_DEFAULT;
	/* Debian keeps the file when Postfix replaces Sendmail. */
	if (doctor->sendmail_config == NULL &&
		(doctor->has_postfix || access(CF_DEFAULT, F_OK) != 0))
		return;
	if (file_read(sendmail.path, CF_BYTES_MAX, &text, &len, NULL, &err) != FILE_READ) {
		doctor_unexamined(doctor, err.text, "Sendmail's configuration");
		return;
	}
	read_lines(doctor, &sendmail, text);
	if (sendmail.names.failed || *doctor_our_socket(doctor, DOCTOR_SOCKET_MILTER) == '\0') {
		doctor_unexamined(doctor, "Postern's socket is not known.", "Sendmail's filters");
	} else {
		if (sendmail.is_ours)
			check_filter(doctor, &sendmail);
		else
			report_lost(doctor, &sendmail);
		if (doctor->config != NULL)
			check_names(doctor, &sendmail);
	}
	strbuf_free(&sendmail.names);
	free(text);
}
