/*
 * Examines whether smtpd reaches Postern: the sockets in smtpd_milters, as its user in its chroot,
 * their modes and groups, and what it does when Postern is down. Owns nothing.
 * t/integration/test_doctor_sockets.py covers it.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/doctor/doctor_commands.h"
#include "ctl/doctor/doctor_endpoint.h"
#include "ctl/doctor/doctor_examinations.h"
#include "ctl/doctor/doctor_names.h"
#include "ctl/doctor/doctor_ours.h"
#include "ctl/doctor/doctor_sockets.h"
#include "lib/base/text.h"

#define DESCRIPTORS_SPARE 128 /* for files, the database, and other connections */

/* Describe the rights of a file: "mode 0755, owner root, group root". */
static void describe_rights(const char *path, char text_r[200])
{
	char owner[DOCTOR_NAME_SIZE], group[DOCTOR_NAME_SIZE];
	struct stat st;

	text_r[0] = '\0';
	if (stat(path, &st) != 0)
		return;
	doctor_user_name(st.st_uid, owner);
	doctor_group_name(st.st_gid, group);
	(void)text_format(text_r, 200, "mode %04o, owner %s, group %s", st.st_mode & 07777U, owner,
		group);
}

/* Return whether the directory already gives the sockets in it the group of the MTA. */
static bool gives_group(const struct doctor_instance *instance, const char *folder)
{
	struct stat st;
	uid_t uid;
	gid_t gid;

	return doctor_find_user(doctor_postfix_value(instance->values, "mail_owner"), &uid, &gid) &&
		stat(folder, &st) == 0 && (st.st_mode & S_ISGID) != 0 && st.st_gid == gid;
}

/* Add commands for a socket whose mode or group shuts the MTA out. */
static void offer_rights(struct doctor_finding *finding, const struct doctor *doctor,
	const struct doctor_instance *instance, const char *path, enum doctor_socket which)
{
	const char *section = which == DOCTOR_SOCKET_MILTER ? "milter" : "auth";
	const struct config *config = doctor->config;
	char folder[2048];

	if (config == NULL || finding == NULL)
		return;
	(void)text_format(folder, sizeof(folder), "%.*s", (int)(strrchr(path, '/') - path), path);
	if (((which == DOCTOR_SOCKET_MILTER ? config->milter.socket_mode :
					      config->auth.socket_mode) &
		    0060) != 0060)
		doctor_set_key(finding, doctor, section, "socket_mode", "0660");
	if (!gives_group(instance, folder))
		doctor_offer_folder(finding, doctor, instance, folder);
	if (config_line(config, section, "socket_group") > 0)
		doctor_set_key(finding, doctor, section, "socket_group", "");
	doctor_restart_postern(finding);
}

/* Report that smtpd may not connect: because of a directory on the way, or of the socket. */
static void report_denied(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service, const struct doctor_endpoint *endpoint,
	enum doctor_socket which, const char *names)
{
	char obstacle[2048], rights[200], own_folder[2048];
	const char *user = doctor_postfix_value(instance->values, "mail_owner");
	struct doctor_finding *finding;
	bool is_own_folder;

	doctor_endpoint_obstacle(instance, service, endpoint, obstacle);
	(void)text_format(own_folder, sizeof(own_folder), "%.*s",
		(int)(strrchr(endpoint->outside, '/') - endpoint->outside), endpoint->outside);
	is_own_folder = strcmp(obstacle, own_folder) == 0;
	describe_rights(obstacle[0] != '\0' ? obstacle : endpoint->outside, rights);
	finding = doctor_find(doctor, DOCTOR_MAIL,
		"%s: smtpd (%s), which runs as %s, may not connect to %s: %s has %s",
		instance->folder, names, user, endpoint->outside,
		obstacle[0] != '\0' ? obstacle : "the socket", rights);
	doctor_sockets_effect(finding, service, which);
	if (obstacle[0] != '\0' && !is_own_folder) {
		doctor_cure(finding, "Let %s search the directory.", user);
		doctor_shell(finding, "chmod", "o+x", obstacle, (const char *)NULL);
		return;
	}
	doctor_cure(finding,
		"Give the directory the group of %s and the setgid bit, so that each socket in "
		"it has this group, and give the socket the mode 0660.",
		user);
	if (is_own_folder) {
		doctor_offer_folder(finding, doctor, instance, obstacle);
		doctor_restart_postern(finding);
	} else {
		offer_rights(finding, doctor, instance, endpoint->outside, which);
	}
}

void doctor_sockets_effect(struct doctor_finding *finding, const struct doctor_service *service,
	enum doctor_socket which)
{
	const char *action = doctor_postfix_value(service->values, "milter_default_action");

	if (which == DOCTOR_SOCKET_AUTH)
		doctor_effect(finding, "Nobody can log in.");
	else if (strcmp(action, "accept") == 0)
		doctor_effect(finding,
			"No rule is applied: milter_default_action is accept, so that all mail is "
			"let in unchecked.");
	else if (strcmp(action, "reject") == 0)
		doctor_effect(finding,
			"All mail is refused for good: milter_default_action is reject.");
	else
		doctor_effect(finding, "All mail is deferred or held: milter_default_action is %s.",
			action);
}

void doctor_sockets_check(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service, const struct doctor_endpoint *endpoint,
	enum doctor_socket which, const char *names)
{
	struct doctor_finding *finding;
	struct errmsg err;
	int code;

	if (!endpoint->is_inet && geteuid() != 0) {
		doctor_unexamined(doctor,
			"Only root can connect as the MTA's user. Run doctor as root.",
			"whether smtpd (%s) can connect to %s", names, endpoint->outside);
		return;
	}
	code = doctor_endpoint_connect(instance, service, endpoint, &err);
	if (code < 0) {
		doctor_unexamined(doctor, err.text, "whether smtpd (%s) can connect to %s", names,
			endpoint->outside);
	} else if (code == EACCES || code == EPERM) {
		report_denied(doctor, instance, service, endpoint, which, names);
	} else if (code != 0 &&
		doctor->status != NULL) { /* else the daemon itself is the finding */
		finding = doctor_find(doctor, DOCTOR_MAIL,
			"the daemon runs, but smtpd (%s) cannot connect to its socket %s: %s",
			names, endpoint->is_inet ? endpoint->port : endpoint->outside,
			strerror(code));
		doctor_sockets_effect(finding, service, which);
		doctor_cure(finding, "Restart the daemon, which makes its sockets anew.");
		doctor_restart_postern(finding);
	}
}

/* Report a milter that should be Postern, where Postern is not. */
static void report_lost(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service, const json_t *milters, const json_t *milter,
	const struct doctor_endpoint *endpoint, const char *names)
{
	const char *ours = doctor_our_socket(doctor, DOCTOR_SOCKET_MILTER);
	struct doctor_finding *finding;

	if (*ours == '\0')
		return;
	if (endpoint->is_inet)
		finding = doctor_find(doctor, DOCTOR_MAIL,
			"%s: smtpd (%s) looks for its milter at port %s of %s, but Postern's "
			"socket is %s",
			instance->folder, names, endpoint->port, endpoint->host, ours);
	else
		finding = doctor_find(doctor, DOCTOR_MAIL,
			"%s: smtpd (%s) looks for its milter at %s%s, which is %s, but Postern's "
			"socket is %s",
			instance->folder, names, doctor_postfix_value(milter, "address"),
			service->is_chrooted ? " in its chroot" : "", endpoint->outside, ours);
	doctor_sockets_effect(finding, service, DOCTOR_SOCKET_MILTER);
	doctor_cure(finding, "%s",
		service->is_chrooted && !endpoint->is_inet ?
			"Name the socket as smtpd sees it: relative to queue_directory. If the "
			"socket is outside of that directory, move it there." :
			"Name Postern's socket. If the present one is that of another milter, add "
			"Postern's instead of replacing it.");
	doctor_offer_socket(finding, doctor, instance, service, DOCTOR_SOCKET_MILTER, milters,
		milter);
}

/* Report Postern's socket more than once among the milters. */
static void check_repeated(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service, const json_t *milters, const char *names)
{
	const char *ours = doctor_our_socket(doctor, DOCTOR_SOCKET_MILTER);
	struct strbuf once = STRBUF_INIT;
	struct doctor_finding *finding;
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(milters); i++) {
		const json_t *milter = json_array_get(milters, i);
		struct doctor_endpoint endpoint;

		if (doctor_endpoint_resolve(instance, service,
			    doctor_postfix_value(milter, "address"), false, &endpoint) == 0 &&
			doctor_endpoint_is(&endpoint, ours) && count++ > 0)
			continue;
		strbuf_addf(&once, "%s%s", once.len > 0 ? ", " : "",
			doctor_postfix_value(milter, "text"));
	}
	if (count > 1 && !once.failed) {
		finding = doctor_find(doctor, DOCTOR_NO_EFFECT,
			"%s: smtpd_milters contains Postern's socket %zu times (%s)",
			instance->folder, count, names);
		doctor_effect(finding,
			"Limits count each recipient %zu times, so that users may send less than "
			"their profiles say.",
			count);
		doctor_cure(finding, "Name the socket once.");
		doctor_set_parameter(finding, instance, service, "smtpd_milters", once.text);
		doctor_reload_postfix(finding, instance);
	}
	strbuf_free(&once);
}

/* Report a default action with which mail is let in unchecked, or lost. */
static void check_action(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service, const json_t *milter, const char *names)
{
	const char *own = doctor_postfix_value(milter, "action");
	const char *action =
		*own != '\0' ? own : doctor_postfix_value(service->values, "milter_default_action");
	struct doctor_finding *finding;

	if (strcmp(action, "accept") == 0) {
		finding = doctor_find(doctor, DOCTOR_SECURITY,
			"%s: the default action of Postern's milter is accept (%s)",
			instance->folder, names);
		doctor_effect(finding,
			"While Postern is down or restarts, mail is let in unchecked, and users "
			"send without their limits.");
	} else if (strcmp(action, "reject") == 0) {
		finding = doctor_find(doctor, DOCTOR_SOON,
			"%s: the default action of Postern's milter is reject (%s)",
			instance->folder, names);
		doctor_effect(finding,
			"While Postern is down or restarts, mail is refused for good.");
	} else {
		return;
	}
	doctor_cure(finding,
		"Set the action tempfail, so that mail waits until Postern runs again.%s",
		*own != '\0' ? " The action is set by default_action in smtpd_milters." : "");
	if (*own == '\0') {
		doctor_set_parameter(finding, instance, service, "milter_default_action",
			"tempfail");
		doctor_reload_postfix(finding, instance);
	}
}

/* Report a filter because of which Postfix shows milters no content of the messages. */
static void check_proxy(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service, const char *names)
{
	const char *filter = doctor_postfix_value(service->values, "smtpd_proxy_filter");
	struct doctor_finding *finding;

	if (*filter == '\0')
		return;
	finding = doctor_find(doctor, DOCTOR_SECURITY,
		"%s: smtpd_proxy_filter is %s, so that Postern sees no content (%s)",
		instance->folder, filter, names);
	doctor_effect(finding,
		"Users can send with any From field and beyond maxsize, and limits count recipients "
		"even if the filter refuses the message.");
	doctor_cure(finding,
		"Use the milter of the content filter, or content_filter, instead. If Postern need "
		"not check the content of these messages, nothing needs to be done.");
}

/* Report a version of the milter protocol in which Postfix does not report DATA. */
static void check_protocol(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service, const char *names)
{
	const char *protocol = doctor_postfix_value(service->values, "milter_protocol");
	struct doctor_finding *finding;

	if (*protocol < '2' || *protocol > '3')
		return;
	finding = doctor_find(doctor, DOCTOR_NO_EFFECT,
		"%s: milter_protocol is %s, so that Postern does not see DATA (%s)",
		instance->folder, protocol, names);
	doctor_effect(finding,
		"Limits also count the recipients of messages that the client gives up unsent.");
	doctor_cure(finding, "Set the current version, which is Postfix's default.");
	doctor_set_parameter(finding, instance, service, "milter_protocol", "6");
	doctor_reload_postfix(finding, instance);
}

static void examine_service(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service)
{
	static const char *const parameters[] = { "smtpd_milters", "milter_default_action",
		"milter_protocol", "receive_override_options", "smtpd_proxy_filter", NULL };
	struct strbuf names = STRBUF_INIT;
	struct doctor_endpoint endpoint;
	const json_t *milter;
	json_t *milters;

	if (doctor_is_repeated(instance, service, parameters, &names) || names.failed) {
		strbuf_free(&names);
		return;
	}
	milters = doctor_postfix_milters(doctor_postfix_value(service->values, "smtpd_milters"));
	switch (doctor_find_link(doctor, instance, service, milters, &milter, &endpoint)) {
	case DOCTOR_LINK_OURS:
		doctor_sockets_check(doctor, instance, service, &endpoint, DOCTOR_SOCKET_MILTER,
			names.text);
		check_repeated(doctor, instance, service, milters, names.text);
		check_action(doctor, instance, service, milter, names.text);
		check_proxy(doctor, instance, service, names.text);
		check_protocol(doctor, instance, service, names.text);
		break;
	case DOCTOR_LINK_LOST:
		report_lost(doctor, instance, service, milters, milter, &endpoint, names.text);
		break;
	case DOCTOR_LINK_NONE: /* doctor_postfix.c reports these */
	case DOCTOR_LINK_OTHER:
	case DOCTOR_LINK_SWITCHED:
		break;
	}
	json_decref(milters);
	strbuf_free(&names);
}

/* Return the number of connections that the processes of a service may have with the daemon. */
static json_int_t count_connections(const struct doctor *doctor,
	const struct doctor_instance *instance, const struct doctor_service *service)
{
	json_t *milters =
		doctor_postfix_milters(doctor_postfix_value(service->values, "smtpd_milters"));
	struct doctor_endpoint endpoint;
	const json_t *milter;
	json_int_t each = 0;

	if (doctor_find_link(doctor, instance, service, milters, &milter, &endpoint) ==
		DOCTOR_LINK_OURS)
		each++;
	if (doctor_postfix_yes(service->values, "smtpd_sasl_auth_enable") &&
		doctor_leads_logins(doctor, instance, service))
		each++;
	json_decref(milters);
	return each * (json_int_t)service->process_limit;
}

/* Report that the daemon may open fewer files than smtpd has connections with it. */
static void check_descriptors(const struct doctor *doctor, json_int_t connections)
{
	const json_t *descriptors = json_object_get(doctor->status, "descriptors");
	const json_int_t limit = json_integer_value(json_object_get(descriptors, "limit"));
	struct doctor_finding *finding;

	if (limit == 0 || connections + DESCRIPTORS_SPARE <= limit)
		return;
	finding = doctor_find(doctor, DOCTOR_SOON,
		"smtpd's processes may have %" JSON_INTEGER_FORMAT " connections with the daemon, "
		"whose limit of open files is %" JSON_INTEGER_FORMAT,
		connections, limit);
	doctor_effect(finding,
		"When so many clients are connected, the daemon accepts no more connections, and "
		"smtpd defers mail.");
	doctor_cure(finding,
		"Permit %" JSON_INTEGER_FORMAT " open files: LimitNOFILE= of the unit (systemctl "
		"edit postern) or ulimit -Hn before the daemon starts, then restart it. Or lower "
		"default_process_limit of Postfix.",
		connections + DESCRIPTORS_SPARE);
}

void doctor_examine_sockets(const struct doctor *doctor)
{
	json_int_t connections = 0;

	if (doctor->postfix == NULL)
		return;
	for (size_t i = 0; i < doctor->postfix->instance_count; i++) {
		const struct doctor_instance *instance = &doctor->postfix->instances[i];

		for (size_t j = 0; instance->is_enabled && j < instance->service_count; j++) {
			examine_service(doctor, instance, &instance->services[j]);
			connections += count_connections(doctor, instance, &instance->services[j]);
		}
	}
	check_descriptors(doctor, connections);
}
