/*
 * Finds Postern's sockets among the settings of Postfix's services, and makes the commands that
 * connect a service with them. Owns nothing. t/integration/test_doctor_sockets.py covers it.
 */
#include "ctl/doctor/doctor_ours.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/doctor/doctor_commands.h"
#include "ctl/doctor/doctor_names.h"
#include "lib/base/text.h"
#include "lib/conf/config_sockets.h"
#include "lib/conf/file.h"

const char *doctor_our_socket(const struct doctor *doctor, enum doctor_socket which)
{
	const char *key = which == DOCTOR_SOCKET_MILTER ? "milter_socket" : "auth_socket";
	const char *running =
		json_string_value(json_object_get(json_object_get(doctor->status, "daemon"), key));

	if (running != NULL)
		return running;
	if (doctor->config == NULL || doctor->status != NULL)
		return "";
	return which == DOCTOR_SOCKET_MILTER ? doctor->config->milter.socket :
					       doctor->config->auth.socket;
}

bool doctor_is_wrong_socket(const struct doctor *doctor, const struct doctor_endpoint *endpoint,
	enum doctor_socket right)
{
	const struct config *config = doctor->config;
	const bool is_for_mail = right == DOCTOR_SOCKET_MILTER;
	/* [auth] inet_socket is right for logins, too. */
	const char *const others[] = {
		doctor_our_socket(doctor, is_for_mail ? DOCTOR_SOCKET_AUTH : DOCTOR_SOCKET_MILTER),
		config == NULL || !is_for_mail ? "" : config->auth.inet_socket,
		config == NULL ? "" : config->auth.saslauthd,
		config == NULL ? "" : config->control.socket,
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (others[i][0] != '\0' && doctor_endpoint_is(endpoint, others[i]))
			return true;
	}
	return false;
}

bool doctor_has_our_name(const char *path)
{
	static const char name[] = "postern";
	const char *slash = strrchr(path, '/');
	const char *file = slash == NULL ? path : slash + 1;
	const size_t len = slash == NULL ? 0 : (size_t)(slash - path);

	if (strncmp(file, name, sizeof(name) - 1) == 0)
		return true;
	return len >= sizeof(name) - 1 &&
		strncmp(slash - (sizeof(name) - 1), name, sizeof(name) - 1) == 0 &&
		(len == sizeof(name) - 1 || path[len - sizeof(name)] == '/');
}

/* Return whether nothing listens at an address. */
static bool is_dead(const struct doctor_instance *instance, const struct doctor_service *service,
	const struct doctor_endpoint *endpoint)
{
	struct errmsg err;

	if (!endpoint->is_inet && geteuid() != 0)
		return access(endpoint->outside, F_OK) != 0 && errno == ENOENT;
	return doctor_endpoint_connect(instance, service, endpoint, &err) > 0;
}

/*
 * Judge an address that is not ours. It was meant to be ours if it is another socket of Postern, or
 * if it contains Postern's name or the path of its socket, or is the only one, and nothing listens
 * there.
 */
static enum doctor_link judge_other(const struct doctor *doctor,
	const struct doctor_instance *instance, const struct doctor_service *service,
	const struct doctor_endpoint *endpoint, bool is_only)
{
	const char *ours = doctor_our_socket(doctor, DOCTOR_SOCKET_MILTER);
	const bool has_name = !endpoint->is_inet &&
		(doctor_has_our_name(endpoint->path) ||
			(strncmp(ours, "unix:", 5) == 0 && strcmp(ours + 5, endpoint->path) == 0));

	if (doctor_is_wrong_socket(doctor, endpoint, DOCTOR_SOCKET_MILTER) ||
		((has_name || is_only) && is_dead(instance, service, endpoint)))
		return DOCTOR_LINK_LOST;
	return has_name ? DOCTOR_LINK_OTHER : DOCTOR_LINK_NONE;
}

enum doctor_link doctor_find_link(const struct doctor *doctor,
	const struct doctor_instance *instance, const struct doctor_service *service,
	const json_t *milters, const json_t **milter_r, struct doctor_endpoint *endpoint_r)
{
	const char *ours = doctor_our_socket(doctor, DOCTOR_SOCKET_MILTER);
	enum doctor_link link = DOCTOR_LINK_NONE, judged;
	struct doctor_endpoint endpoint;

	if (doctor_postfix_lists(doctor_postfix_value(service->values, "receive_override_options"),
		    "no_milters"))
		return DOCTOR_LINK_SWITCHED;
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < json_array_size(milters); i++) {
			const json_t *milter = json_array_get(milters, i);

			if (doctor_endpoint_resolve(instance, service,
				    doctor_postfix_value(milter, "address"), false, &endpoint) != 0)
				continue;
			if (pass == 0)
				judged = doctor_endpoint_is(&endpoint, ours) ? DOCTOR_LINK_OURS :
									       DOCTOR_LINK_NONE;
			else
				judged = judge_other(doctor, instance, service, &endpoint,
					json_array_size(milters) == 1);
			if (judged == DOCTOR_LINK_OTHER)
				link = judged;
			if (judged == DOCTOR_LINK_NONE || judged == DOCTOR_LINK_OTHER)
				continue;
			*milter_r = milter;
			*endpoint_r = endpoint;
			return judged;
		}
	}
	return link;
}

bool doctor_leads_logins(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service)
{
	struct doctor_endpoint endpoint;

	return strcmp(doctor_postfix_value(service->values, "smtpd_sasl_type"), "dovecot") == 0 &&
		doctor_endpoint_resolve(instance, service,
			doctor_postfix_value(service->values, "smtpd_sasl_path"), true,
			&endpoint) == 0 &&
		doctor_endpoint_is(&endpoint, doctor_our_socket(doctor, DOCTOR_SOCKET_AUTH));
}

/* Return whether a finding about one service applies to the other. */
static bool are_alike(const struct doctor_service *a, const struct doctor_service *b,
	const char *const parameters[])
{
	if (a->is_chrooted != b->is_chrooted || a->is_privileged != b->is_privileged)
		return false;
	for (; *parameters != NULL; parameters++) {
		if (strcmp(doctor_postfix_value(a->values, *parameters),
			    doctor_postfix_value(b->values, *parameters)) != 0 ||
			(json_object_get(a->overrides, *parameters) == NULL) !=
				(json_object_get(b->overrides, *parameters) == NULL) ||
			(json_object_get(a->overrides, *parameters) != NULL && a != b))
			return false;
	}
	return true;
}

bool doctor_is_repeated(const struct doctor_instance *instance,
	const struct doctor_service *service, const char *const parameters[], struct strbuf *names)
{
	for (size_t i = 0; i < instance->service_count; i++) {
		const struct doctor_service *other = &instance->services[i];

		if (!are_alike(service, other, parameters))
			continue;
		if (other < service)
			return true;
		strbuf_addf(names, "%s%s", names->len > 0 ? ", " : "", other->key);
	}
	return false;
}

/* Copy the name of the group of the MTA's user. */
static void copy_group(const struct doctor_instance *instance, char name_r[DOCTOR_NAME_SIZE])
{
	uid_t uid;
	gid_t gid;

	if (doctor_find_user(doctor_postfix_value(instance->values, "mail_owner"), &uid, &gid))
		doctor_group_name(gid, name_r);
	else
		(void)text_format(name_r, DOCTOR_NAME_SIZE, "postfix");
}

/* Copy the name of the daemon's user. */
static void copy_user(const struct doctor *doctor, char name_r[DOCTOR_NAME_SIZE])
{
	const char *user = doctor->config == NULL ? "postern" : doctor->config->milter.user;

	(void)text_format(name_r, DOCTOR_NAME_SIZE, "%.*s", (int)strcspn(user, ":"),
		*user == '\0' ? "root" : user);
}

void doctor_offer_folder(struct doctor_finding *finding, const struct doctor *doctor,
	const struct doctor_instance *instance, const char *folder)
{
	char user[DOCTOR_NAME_SIZE], group[DOCTOR_NAME_SIZE];

	copy_user(doctor, user);
	copy_group(instance, group);
	doctor_shell(finding, "install", "-d", "-o", user, "-g", group, "-m", "2750", folder,
		(const char *)NULL);
}

/* Return the part of a path below a folder, to which a link may lead; NULL if the path is elsewhere
 * or memory ran out. The caller frees it. */
static char *part_below(const char *path, const char *folder)
{
	char *parent = file_directory(path), *real_parent = NULL, *real_folder = NULL, *part = NULL;
	size_t len = strlen(folder);

	if (strncmp(path, folder, len) == 0 && path[len] == '/') { /* it need not exist */
		free(parent);
		return strdup(path + len);
	}
	if (parent != NULL && (real_parent = realpath(parent, NULL)) != NULL &&
		(real_folder = realpath(folder, NULL)) != NULL) {
		len = strlen(real_folder);
		if (strncmp(real_parent, real_folder, len) == 0 &&
			(real_parent[len] == '/' || real_parent[len] == '\0') &&
			asprintf(&part, "%s%s", real_parent + len, strrchr(path, '/')) < 0)
			part = NULL;
	}
	free(real_folder);
	free(real_parent);
	free(parent);
	return part;
}

/* Write the address by which the service reaches a socket of Postern. Returns 0, or -1 if it is
 * outside of the chroot. */
static int find_address(const struct doctor_instance *instance,
	const struct doctor_service *service, const char *setting, struct strbuf *address)
{
	const char *queue = doctor_postfix_value(instance->values, "queue_directory");
	const char *at;
	char *part;

	if (strncmp(setting, "inet", 4) == 0) {
		at = strchr(setting, ':');
		at = at == NULL ? setting : at + 1;
		strbuf_addf(address, "inet:127.0.0.1:%.*s", (int)strcspn(at, "@"), at);
		return 0;
	}
	at = strchr(setting, '/');
	if (at == NULL)
		return -1;
	if ((part = part_below(at, queue)) != NULL)
		strbuf_addf(address, "unix:%s", part + 1);
	else if (!service->is_chrooted)
		strbuf_addf(address, "unix:%s", at);
	free(part);
	return address->len > 0 ? 0 : -1;
}

/* Add commands that move the sockets into the service's chroot; setting_r is the new one. */
static void offer_move(struct doctor_finding *finding, const struct doctor *doctor,
	const struct doctor_instance *instance, enum doctor_socket which, char setting_r[1100])
{
	const char *queue = doctor_postfix_value(instance->values, "queue_directory");
	const struct config *config = doctor->config;
	char folder[1024], value[1100];

	(void)text_format(folder, sizeof(folder), "%s/postern", queue);
	doctor_offer_folder(finding, doctor, instance, folder);
	if (config != NULL &&
		!(config->milter.socket_chosen && strcmp(folder, SOCKETS_POSTFIX_FOLDER) == 0)) {
		(void)text_format(value, sizeof(value), "unix:%s/" SOCKETS_MILTER_NAME, folder);
		doctor_set_key(finding, doctor, "milter", "socket", value);
	}
	if (config != NULL && *config->auth.socket != '\0' &&
		!(config->auth.socket_chosen && strcmp(folder, SOCKETS_POSTFIX_FOLDER) == 0)) {
		(void)text_format(value, sizeof(value), "unix:%s/" SOCKETS_AUTH_NAME, folder);
		doctor_set_key(finding, doctor, "auth", "socket", value);
	}
	doctor_restart_postern(finding);
	(void)text_format(setting_r, 1100, "unix:%s/%s", folder,
		which == DOCTOR_SOCKET_MILTER ? SOCKETS_MILTER_NAME : SOCKETS_AUTH_NAME);
}

/* Return whether a service reaches a socket of Postern. */
static bool is_linked(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service, enum doctor_socket which)
{
	struct doctor_endpoint endpoint;
	const json_t *milter;
	enum doctor_link link;
	json_t *milters;

	if (which == DOCTOR_SOCKET_AUTH)
		return doctor_postfix_yes(service->values, "smtpd_sasl_auth_enable") &&
			doctor_leads_logins(doctor, instance, service);
	milters = doctor_postfix_milters(doctor_postfix_value(service->values, "smtpd_milters"));
	link = doctor_find_link(doctor, instance, service, milters, &milter, &endpoint);
	json_decref(milters);
	return link == DOCTOR_LINK_OURS;
}

/* Return whether any service reaches a socket that offer_move() would move away from it, because
 * the socket is not yet in its new place. */
static bool would_cut_off(const struct doctor *doctor, const struct doctor_instance *target,
	enum doctor_socket which)
{
	const char *path = strchr(doctor_our_socket(doctor, which), '/');
	char *part = path == NULL ?
		NULL :
		part_below(path, doctor_postfix_value(target->values, "queue_directory"));
	const bool stays = part != NULL &&
		strcmp(part,
			which == DOCTOR_SOCKET_MILTER ? "/postern/" SOCKETS_MILTER_NAME :
							"/postern/" SOCKETS_AUTH_NAME) == 0;

	free(part);
	for (size_t i = 0; !stays && i < doctor->postfix->instance_count; i++) {
		const struct doctor_instance *instance = &doctor->postfix->instances[i];

		for (size_t j = 0; instance->is_enabled && j < instance->service_count; j++) {
			if (is_linked(doctor, instance, &instance->services[j], which))
				return true;
		}
	}
	return false;
}

/* Add commands that take the service out of its chroot, and also the other services to which the
 * same setting of the parameter applies. */
static void offer_no_chroot(struct doctor_finding *finding, const struct doctor_instance *instance,
	const struct doctor_service *service, const char *parameter)
{
	const bool is_own = json_object_get(service->overrides, parameter) != NULL;

	doctor_cure(finding,
		"Postern's sockets cannot be moved into this chroot, because other services reach "
		"them where they are. Take the service out of its chroot, or let Postern listen at "
		"an inet socket.");
	for (size_t i = 0; i < instance->service_count; i++) {
		const struct doctor_service *other = &instance->services[i];
		struct strbuf field = STRBUF_INIT;

		if (!other->is_chrooted ||
			(other != service &&
				(is_own || json_object_get(other->overrides, parameter) != NULL)))
			continue;
		strbuf_addf(&field, "%s/chroot=n", other->key);
		if (!field.failed)
			doctor_postconf(finding, instance, "-F", field.text);
		strbuf_free(&field);
	}
}

void doctor_offer_socket(struct doctor_finding *finding, const struct doctor *doctor,
	const struct doctor_instance *instance, const struct doctor_service *service,
	enum doctor_socket which, const json_t *milters, const json_t *replaced)
{
	struct strbuf address = STRBUF_INIT, list = STRBUF_INIT;
	struct doctor_service outside = *service;
	char setting[1100];

	(void)text_format(setting, sizeof(setting), "%s", doctor_our_socket(doctor, which));
	if (setting[0] == '\0' || finding == NULL)
		return;
	outside.is_chrooted = false;
	if (find_address(instance, service, setting, &address) != 0 &&
		(would_cut_off(doctor, instance, DOCTOR_SOCKET_MILTER) ||
			would_cut_off(doctor, instance, DOCTOR_SOCKET_AUTH))) {
		offer_no_chroot(finding, instance, service,
			which == DOCTOR_SOCKET_AUTH ? "smtpd_sasl_path" : "smtpd_milters");
		if (find_address(instance, &outside, setting, &address) != 0)
			goto out;
	} else if (address.len == 0) {
		offer_move(finding, doctor, instance, which, setting);
		if (find_address(instance, service, setting, &address) != 0)
			goto out;
	}
	if (address.failed)
		goto out;
	if (which == DOCTOR_SOCKET_AUTH) {
		doctor_set_parameter(finding, instance, service, "smtpd_sasl_path",
			strncmp(address.text, "unix:", 5) == 0 ? address.text + 5 : address.text);
	} else {
		if (replaced == NULL)
			strbuf_add_str(&list, address.text);
		for (size_t i = 0; i < json_array_size(milters); i++) {
			const json_t *milter = json_array_get(milters, i);

			strbuf_addf(&list, "%s%s", list.len > 0 ? ", " : "",
				milter == replaced ? address.text :
						     doctor_postfix_value(milter, "text"));
		}
		if (!list.failed)
			doctor_set_parameter(finding, instance, service, "smtpd_milters",
				list.text);
	}
	doctor_reload_postfix(finding, instance);
out:
	strbuf_free(&address);
	strbuf_free(&list);
}
