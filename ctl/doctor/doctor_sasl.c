/*
 * Examines the logins of Postfix that Postern checks: type and path of smtpd's socket, the
 * mechanisms that remain, and TLS. Owns nothing. t/integration/test_doctor_sasl.py covers it.
 */
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ctl/doctor/doctor_commands.h"
#include "ctl/doctor/doctor_examinations.h"
#include "ctl/doctor/doctor_ours.h"
#include "ctl/doctor/doctor_sockets.h"

/* A service that lets its clients log in, and what findings about it contain. */
struct sasl_service {
	const struct doctor *doctor;
	const struct doctor_instance *instance;
	const struct doctor_service *service;
	const char *names;
};

static const char *value(const struct sasl_service *sasl, const char *name)
{
	return doctor_postfix_value(sasl->service->values, name);
}

/* Add a command that sets a parameter, and one that puts it in force. */
static void offer(struct doctor_finding *finding, const struct sasl_service *sasl, const char *name,
	const char *text)
{
	doctor_set_parameter(finding, sasl->instance, sasl->service, name, text);
	doctor_reload_postfix(finding, sasl->instance);
}

/* Return whether a path is that of Postern's socket, or has its name. */
static bool is_ours(const struct sasl_service *sasl, const struct doctor_endpoint *endpoint)
{
	return doctor_endpoint_is(endpoint, doctor_our_socket(sasl->doctor, DOCTOR_SOCKET_AUTH)) ||
		doctor_has_our_name(endpoint->path);
}

/* Return whether something other than Postern answers at the socket, such as Dovecot. */
static bool is_other_server(const struct sasl_service *sasl, const struct doctor_endpoint *endpoint)
{
	struct errmsg err;

	return !is_ours(sasl, endpoint) && (endpoint->is_inet || geteuid() == 0) &&
		doctor_endpoint_connect(sasl->instance, sasl->service, endpoint, &err) == 0;
}

/* Report a type of SASL that cannot use Postern's socket, which the path gives. */
static void report_type(const struct sasl_service *sasl)
{
	struct doctor_finding *finding = doctor_find(sasl->doctor, DOCTOR_MAIL,
		"%s: smtpd_sasl_type is %s, but smtpd_sasl_path is Postern's socket %s (%s)",
		sasl->instance->folder, value(sasl, "smtpd_sasl_type"),
		value(sasl, "smtpd_sasl_path"), sasl->names);

	doctor_effect(finding, "Nobody can log in: Postern speaks Dovecot's protocol.");
	offer(finding, sasl, "smtpd_sasl_type", "dovecot");
}

static void report_path(const struct sasl_service *sasl, const struct doctor_endpoint *endpoint)
{
	const char *ours = doctor_our_socket(sasl->doctor, DOCTOR_SOCKET_AUTH);
	struct doctor_finding *finding;

	finding = doctor_find(sasl->doctor, DOCTOR_MAIL,
		"%s: smtpd (%s) looks for the socket of logins at %s%s, which is %s; Postern's is %s",
		sasl->instance->folder, sasl->names, value(sasl, "smtpd_sasl_path"),
		sasl->service->is_chrooted ? " in its chroot" : "", endpoint->outside,
		*ours == '\0' ? "not served" : ours);
	doctor_sockets_effect(finding, sasl->service, DOCTOR_SOCKET_AUTH);
	doctor_cure(finding, "%s",
		*ours == '\0' ? "Set [auth] socket, and restart the daemon." :
				"Name the socket as smtpd sees it: relative to queue_directory.");
	doctor_offer_socket(finding, sasl->doctor, sasl->instance, sasl->service,
		DOCTOR_SOCKET_AUTH, NULL, NULL);
}

/* Return whether smtpd can begin TLS before a login. */
static bool has_tls(const struct sasl_service *sasl)
{
	static const char *const certificates[] = { "smtpd_tls_chain_files", "smtpd_tls_cert_file",
		"smtpd_tls_eccert_file" };
	const char *level = value(sasl, "smtpd_tls_security_level");
	bool has_certificate = false;

	for (size_t i = 0; i < sizeof(certificates) / sizeof(certificates[0]); i++) {
		const char *file = value(sasl, certificates[i]);

		if (*file != '\0' && strcmp(file, "none") != 0)
			has_certificate = true;
	}
	return has_certificate &&
		(strcmp(level, "may") == 0 || strcmp(level, "encrypt") == 0 ||
			doctor_postfix_yes(sasl->service->values, "smtpd_use_tls") ||
			doctor_postfix_yes(sasl->service->values, "smtpd_tls_wrappermode"));
}

static void report_no_tls(const struct sasl_service *sasl)
{
	const char *level = value(sasl, "smtpd_tls_security_level");
	const bool lacks_level = strcmp(level, "may") != 0 && strcmp(level, "encrypt") != 0;
	struct doctor_finding *finding = doctor_find(sasl->doctor, DOCTOR_MAIL,
		"%s: smtpd (%s) offers logins, but no TLS: %s", sasl->instance->folder, sasl->names,
		lacks_level ? "smtpd_tls_security_level is not set" : "it has no certificate");

	doctor_effect(finding,
		"Nobody can log in from another machine: without TLS, Postern "
		"refuses passwords (require_tls)%s.",
		doctor_postfix_yes(sasl->service->values, "smtpd_tls_auth_only") ?
			", and smtpd does not offer AUTH (smtpd_tls_auth_only)" :
			"");
	doctor_cure(finding,
		"smtpd also needs a certificate: name the files of its key and chain in "
		"smtpd_tls_chain_files, if none is set.");
	if (lacks_level)
		offer(finding, sasl, "smtpd_tls_security_level", "may");
}

/* Report passwords that clients may send without TLS. */
static void check_plain_text(const struct sasl_service *sasl)
{
	const struct doctor *doctor = sasl->doctor;
	struct doctor_finding *finding;

	if (doctor_postfix_yes(sasl->service->values, "smtpd_tls_auth_only") ||
		doctor_postfix_yes(sasl->service->values, "smtpd_tls_wrappermode") ||
		strcmp(value(sasl, "smtpd_tls_security_level"), "encrypt") == 0 ||
		doctor_postfix_lists(value(sasl, "smtpd_sasl_security_options"), "noplaintext"))
		return;
	finding = doctor_find(doctor, DOCTOR_SECURITY,
		"%s: smtpd (%s) offers AUTH without TLS: smtpd_tls_auth_only is no",
		sasl->instance->folder, sasl->names);
	doctor_effect(finding, "Clients send passwords that anybody on the way can read%s",
		doctor->config != NULL && doctor->config->auth.require_tls ?
			", although Postern then refuses them." :
			", and Postern accepts them (require_tls = no).");
	offer(finding, sasl, "smtpd_tls_auth_only", "yes");
}

/* Return whether the greeting offers a mechanism that the options, the filter and Postfix permit.
 * *has_any_r: it offers any at all. */
static bool offers_mechanism(const struct sasl_service *sasl, const char *greeting, bool *has_any_r)
{
	const char *options = value(sasl, "smtpd_sasl_tls_security_options");
	const bool no_plain_text = doctor_postfix_lists(options, "noplaintext");

	*has_any_r = false;
	for (const char *line = greeting; line != NULL;
		line = strchr(line, '\n') == NULL ? NULL : strchr(line, '\n') + 1) {
		const size_t len = strcspn(line, "\n");

		if (strncmp(line, "MECH\t", 5) != 0)
			continue;
		*has_any_r = true;
		if (!(no_plain_text && memmem(line, len, "\tplaintext", 10) != NULL))
			return true;
	}
	return false;
}

static void check_mechanisms(const struct sasl_service *sasl,
	const struct doctor_endpoint *endpoint)
{
	struct strbuf greeting = STRBUF_INIT;
	struct doctor_finding *finding;
	bool has_any;

	if (doctor_endpoint_greet(endpoint, &greeting) == 0 && !greeting.failed &&
		!offers_mechanism(sasl, greeting.text, &has_any) && has_any) {
		finding = doctor_find(sasl->doctor, DOCTOR_MAIL,
			"%s: smtpd (%s) offers no mechanism over TLS: "
			"smtpd_sasl_tls_security_options contains noplaintext",
			sasl->instance->folder, sasl->names);
		doctor_effect(finding,
			"Nobody can log in: all of Postern's mechanisms transmit the "
			"password or token itself, which TLS protects.");
		doctor_cure(finding, "Forbid plain text without TLS only.");
		offer(finding, sasl, "smtpd_sasl_tls_security_options", "noanonymous");
	}
	strbuf_free(&greeting);
}

/* Examine a service that lets its clients log in. */
static void examine_logins(const struct sasl_service *sasl)
{
	const bool is_dovecot = strcmp(value(sasl, "smtpd_sasl_type"), "dovecot") == 0;
	struct doctor_endpoint endpoint;

	if (doctor_endpoint_resolve(sasl->instance, sasl->service, value(sasl, "smtpd_sasl_path"),
		    true, &endpoint) != 0)
		return;
	if (!is_dovecot) { /* Cyrus SASL is examined only where Postern is meant */
		if (is_ours(sasl, &endpoint))
			report_type(sasl);
		return;
	}
	if (is_other_server(sasl, &endpoint))
		return;
	if (!doctor_endpoint_is(&endpoint, doctor_our_socket(sasl->doctor, DOCTOR_SOCKET_AUTH))) {
		report_path(sasl, &endpoint);
		return;
	}
	doctor_sockets_check(sasl->doctor, sasl->instance, sasl->service, &endpoint,
		DOCTOR_SOCKET_AUTH, sasl->names);
	if (!has_tls(sasl)) {
		report_no_tls(sasl);
	} else {
		check_plain_text(sasl);
		check_mechanisms(sasl, &endpoint);
	}
}

static void examine_service(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service)
{
	static const char *const parameters[] = { "smtpd_sasl_auth_enable", "smtpd_sasl_type",
		"smtpd_sasl_path", "smtpd_sasl_security_options", "smtpd_sasl_tls_security_options",
		"smtpd_tls_auth_only", "smtpd_tls_security_level", "smtpd_tls_wrappermode",
		"smtpd_tls_chain_files", "smtpd_tls_cert_file", NULL };
	struct sasl_service sasl = { .doctor = doctor, .instance = instance, .service = service };
	struct strbuf names = STRBUF_INIT;

	if (doctor_postfix_yes(service->values, "smtpd_sasl_auth_enable") &&
		!doctor_is_repeated(instance, service, parameters, &names) && !names.failed) {
		sasl.names = names.text;
		examine_logins(&sasl);
	}
	strbuf_free(&names);
}

void doctor_examine_sasl(const struct doctor *doctor)
{
	if (doctor->postfix == NULL)
		return;
	for (size_t i = 0; i < doctor->postfix->instance_count; i++) {
		const struct doctor_instance *instance = &doctor->postfix->instances[i];

		for (size_t j = 0; instance->is_enabled && j < instance->service_count; j++)
			examine_service(doctor, instance, &instance->services[j]);
	}
}
