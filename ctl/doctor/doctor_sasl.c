/*
 * Examines the logins of Postfix that Postern checks: type and path of smtpd's socket, the
 * mechanisms that remain, and TLS. Owns nothing. t/integration/test_doctor_sasl.py covers it.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ctl/doctor/doctor_commands.h"
#include "ctl/doctor/doctor_examinations.h"
#include "ctl/doctor/doctor_ours.h"
#include "ctl/doctor/doctor_sockets.h"
#include "lib/auth/password.h"
#include "lib/auth/sasl.h"
#include "lib/base/text.h"
#include "lib/conf/options.h"
#include "lib/store/store_read.h"

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
static void offer_parameter(struct doctor_finding *finding, const struct sasl_service *sasl,
	const char *name, const char *text)
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

/* Return whether something other than Postern answers, or may answer, at the socket, such as
 * Dovecot. */
static bool is_other_server(const struct sasl_service *sasl, const struct doctor_endpoint *endpoint)
{
	struct errmsg err;

	if (endpoint->is_inet || geteuid() == 0)
		return doctor_endpoint_connect(sasl->instance, sasl->service, endpoint, &err) == 0;
	if (access(endpoint->outside, F_OK) != 0 && errno == ENOENT)
		return false;
	doctor_unexamined(sasl->doctor,
		"Only root can connect as the MTA's user. Run doctor as root.",
		"which server checks the logins of smtpd (%s) at %s", sasl->names,
		endpoint->outside);
	return true;
}

/* Report a type of SASL that cannot use Postern's socket, which the path gives. */
static void report_type(const struct sasl_service *sasl)
{
	struct doctor_finding *finding = doctor_find(sasl->doctor, DOCTOR_MAIL,
		"%s: smtpd_sasl_type is %s, but smtpd_sasl_path is Postern's socket %s (%s)",
		sasl->instance->folder, value(sasl, "smtpd_sasl_type"),
		value(sasl, "smtpd_sasl_path"), sasl->names);

	doctor_effect(finding, "Nobody can log in: Postern speaks Dovecot's protocol.");
	offer_parameter(finding, sasl, "smtpd_sasl_type", "dovecot");
}

/* Find a password that is neither empty nor a lock. One that cannot be checked counts here: the
 * subject "users" reports it. */
static int find_password(void *context, const struct user *user)
{
	struct errmsg why;

	(void)context;
	return user->enabled && user->password[0] != '\0' &&
			(password_usable(user->password, &why) == 0 ||
				password_usable_or_lock(user->password, &why) != 0) ?
		1 :
		0;
}

/* Return whether anybody can log in with a password or a token that Postern checks. */
static bool can_log_in(const struct doctor *doctor)
{
	const struct config *config = doctor->config;

	return (config != NULL &&
		       (*config->jwt.secret != '\0' || *config->jwt.keys_file != '\0')) ||
		(doctor->store != NULL &&
			users_each(doctor->store->users, find_password, NULL) != 0);
}

static void report_path(const struct sasl_service *sasl, const struct doctor_endpoint *endpoint)
{
	const char *ours = doctor_our_socket(sasl->doctor, DOCTOR_SOCKET_AUTH);
	struct doctor_finding *finding;

	finding = doctor_find(sasl->doctor, DOCTOR_MAIL,
		"%s: smtpd (%s) looks for the socket of logins at %s%s%s%s; Postern's is %s",
		sasl->instance->folder, sasl->names, value(sasl, "smtpd_sasl_path"),
		sasl->service->is_chrooted && !endpoint->is_inet ? " in its chroot" : "",
		endpoint->is_inet ? "" : ", which is ", endpoint->outside,
		*ours == '\0' ? "not served" : ours);
	doctor_sockets_effect(finding, sasl->service, DOCTOR_SOCKET_AUTH);
	if (!doctor_has_our_name(endpoint->path) && !can_log_in(sasl->doctor)) {
		doctor_cure(finding,
			"Start the server that checks the logins there, such as Dovecot. Postern "
			"cannot take its place, because no user of its own has a password.");
		return;
	}
	doctor_cure(finding, "%s",
		*ours == '\0' ? "Set [auth] socket, and restart the daemon." :
				"Name the socket as smtpd sees it: relative to queue_directory. "
				"If another server, such as Dovecot, checks the logins, start "
				"that server instead.");
	doctor_offer_socket(finding, sasl->doctor, sasl->instance, sasl->service,
		DOCTOR_SOCKET_AUTH, NULL, NULL);
}

/* The parameters that name files of certificates. */
static const char *const certificates[] = { "smtpd_tls_chain_files", "smtpd_tls_cert_file",
	"smtpd_tls_eccert_file" };

#define CERTIFICATES (sizeof(certificates) / sizeof(certificates[0]))

/* Return whether smtpd can begin TLS before a login. */
static bool has_tls(const struct sasl_service *sasl)
{
	const char *level = value(sasl, "smtpd_tls_security_level");
	bool has_certificate = false;

	for (size_t i = 0; i < CERTIFICATES; i++) {
		const char *file = value(sasl, certificates[i]);

		if (*file != '\0' && strcmp(file, "none") != 0)
			has_certificate = true;
	}
	return has_certificate &&
		(strcmp(level, "may") == 0 || strcmp(level, "encrypt") == 0 ||
			doctor_postfix_yes(sasl->service->values, "smtpd_use_tls") ||
			doctor_postfix_yes(sasl->service->values, "smtpd_tls_wrappermode"));
}

/* Return whether nobody can log in without TLS. */
static bool needs_tls(const struct sasl_service *sasl)
{
	const struct config *config = sasl->doctor->config;

	return config == NULL || config->auth.require_tls ||
		doctor_postfix_yes(sasl->service->values, "smtpd_tls_auth_only");
}

/* Set the effect of a lack of TLS. */
static void set_effect_of_no_tls(struct doctor_finding *finding, const struct sasl_service *sasl)
{
	const struct config *config = sasl->doctor->config;
	const bool refuses = config == NULL || config->auth.require_tls;
	const bool hides = doctor_postfix_yes(sasl->service->values, "smtpd_tls_auth_only");

	doctor_effect(finding, "Nobody can log in%s: without TLS, %s%s%s.",
		hides ? "" : " from another machine",
		refuses ? "Postern refuses passwords (require_tls)" : "",
		refuses && hides ? ", and " : "",
		hides ? "smtpd does not offer AUTH (smtpd_tls_auth_only)" : "");
}

static void report_no_tls(const struct sasl_service *sasl)
{
	const char *level = value(sasl, "smtpd_tls_security_level");
	const bool lacks_level = strcmp(level, "may") != 0 && strcmp(level, "encrypt") != 0;
	struct doctor_finding *finding = doctor_find(sasl->doctor, DOCTOR_MAIL,
		"%s: smtpd (%s) offers logins, but no TLS: %s", sasl->instance->folder, sasl->names,
		lacks_level ? "smtpd_tls_security_level is not set" : "it has no certificate");

	set_effect_of_no_tls(finding, sasl);
	doctor_cure(finding,
		"smtpd needs a certificate. If none is set, name the files of its key and chain "
		"in smtpd_tls_chain_files.");
	if (lacks_level)
		offer_parameter(finding, sasl, "smtpd_tls_security_level", "may");
}

/* Report a certificate whose file does not exist: smtpd then switches TLS off. */
static void check_certificates(const struct sasl_service *sasl)
{
	/* smtpd_tls_chain_files, the first, replaces the others. */
	const size_t count = *value(sasl, certificates[0]) != '\0' ? 1 : CERTIFICATES;
	struct doctor_finding *finding;

	for (size_t i = 0; i < count; i++) {
		const char *at = value(sasl, certificates[i]);
		size_t len = 0;
		char path[1024];

		while ((at = doctor_postfix_word(at + len, &len)) != NULL) {
			(void)text_format(path, sizeof(path), "%.*s", TEXT_CUT_LEN(at, len, 1023));
			if (path[0] != '/' || access(path, F_OK) == 0 || errno != ENOENT)
				continue;
			finding = doctor_find(sasl->doctor, DOCTOR_MAIL,
				"%s: smtpd (%s) has no TLS: the file %s (%s) does not exist",
				sasl->instance->folder, sasl->names, path, certificates[i]);
			if (needs_tls(sasl))
				set_effect_of_no_tls(finding, sasl);
			doctor_cure(finding,
				"Obtain the certificate, or correct the name in %s; then run "
				"postfix reload.",
				certificates[i]);
		}
	}
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
	doctor_effect(finding,
		"Anybody on the network path can read the passwords that clients send%s",
		doctor->config != NULL && doctor->config->auth.require_tls ?
			", although Postern then refuses them." :
			", and Postern accepts them (require_tls = no).");
	offer_parameter(finding, sasl, "smtpd_tls_auth_only", "yes");
}

/*
 * Return whether smtpd_sasl_mechanism_filter lets a mechanism through: the first element that
 * matches decides. A table other than static is not looked at, and counts as a match.
 */
static bool passes_filter(const struct sasl_service *sasl, const char *name, size_t len)
{
	const char *at = value(sasl, "smtpd_sasl_mechanism_filter");
	size_t step = 0;

	if (*at == '\0') /* before Postfix 3.6 */
		return true;
	while ((at = doctor_postfix_word(at + step, &step)) != NULL) {
		const bool is_negated = *at == '!';
		const char *word = at + is_negated;

		if (memchr(word, ':', step - is_negated) != NULL ||
			(step - is_negated == len && strncasecmp(word, name, len) == 0))
			return !is_negated;
	}
	return false;
}

/* The reasons for which a service offers no mechanism over TLS. */
enum offer { OFFER_SOME, OFFER_NO_PLAIN_TEXT, OFFER_FILTERED, OFFER_UNKNOWN };

static enum offer look_at_offer(const struct sasl_service *sasl, const char *greeting)
{
	const bool no_plain_text =
		doctor_postfix_lists(value(sasl, "smtpd_sasl_tls_security_options"), "noplaintext");
	enum offer offer = OFFER_UNKNOWN;

	for (const char *line = greeting; line != NULL && offer != OFFER_SOME;
		line = strchr(line, '\n') == NULL ? NULL : strchr(line, '\n') + 1) {
		const size_t len = strcspn(line, "\n");

		if (strncmp(line, "MECH\t", 5) != 0)
			continue;
		if (!passes_filter(sasl, line + 5, strcspn(line + 5, "\t\n")))
			offer = offer == OFFER_UNKNOWN ? OFFER_FILTERED : offer;
		else if (no_plain_text && memmem(line, len, "\tplaintext", 10) != NULL)
			offer = OFFER_NO_PLAIN_TEXT;
		else
			offer = OFFER_SOME;
	}
	return offer;
}

static void check_mechanisms(const struct sasl_service *sasl,
	const struct doctor_endpoint *endpoint)
{
	struct strbuf greeting = STRBUF_INIT;
	enum offer offered = OFFER_UNKNOWN;
	struct doctor_finding *finding;

	if (doctor_endpoint_greet(endpoint, &greeting) == 0 && !greeting.failed)
		offered = look_at_offer(sasl, greeting.text);
	strbuf_free(&greeting);
	if (offered == OFFER_NO_PLAIN_TEXT) {
		finding = doctor_find(sasl->doctor, DOCTOR_MAIL,
			"%s: smtpd (%s) offers no mechanism over TLS: "
			"smtpd_sasl_tls_security_options contains noplaintext",
			sasl->instance->folder, sasl->names);
		doctor_effect(finding,
			"Nobody can log in: all of Postern's mechanisms transmit the "
			"password or token itself, which TLS protects.");
		doctor_cure(finding, "Forbid plain text only where there is no TLS.");
		offer_parameter(finding, sasl, "smtpd_sasl_tls_security_options", "noanonymous");
	} else if (offered == OFFER_FILTERED) {
		finding = doctor_find(sasl->doctor, DOCTOR_MAIL,
			"%s: smtpd (%s) offers no mechanism: smtpd_sasl_mechanism_filter lets none of "
			"Postern's through",
			sasl->instance->folder, sasl->names);
		doctor_effect(finding, "Nobody can log in.");
		doctor_cure(finding, "Restore Postfix's own filter.");
		offer_parameter(finding, sasl, "smtpd_sasl_mechanism_filter",
			"!external, static:rest");
	}
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
	if (!doctor_endpoint_is(&endpoint, doctor_our_socket(sasl->doctor, DOCTOR_SOCKET_AUTH))) {
		if (doctor_is_wrong_socket(sasl->doctor, &endpoint, DOCTOR_SOCKET_AUTH) ||
			((*doctor_our_socket(sasl->doctor, DOCTOR_SOCKET_AUTH) != '\0' ||
				 doctor_has_our_name(endpoint.path)) &&
				!is_other_server(sasl, &endpoint)))
			report_path(sasl, &endpoint);
		return;
	}
	doctor_sockets_check(sasl->doctor, sasl->instance, sasl->service, &endpoint,
		DOCTOR_SOCKET_AUTH, sasl->names);
	if (!has_tls(sasl) && needs_tls(sasl)) {
		report_no_tls(sasl);
	} else {
		check_certificates(sasl);
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

/* Report that only tokens are accepted, but none can be checked. */
static void check_tokens(const struct doctor *doctor)
{
	const struct config *config = doctor->config;
	unsigned passwords = 0;
	struct doctor_finding *finding;

	if (config == NULL || *config->auth.socket == '\0')
		return;
	for (int i = 0; i < SASL_MECHANISMS; i++) {
		if ((sasl_flags((enum sasl_mechanism)i) & SASL_BEARER) == 0)
			passwords |= SASL_BIT((unsigned)i);
	}
	if ((config->auth.mechanisms & passwords) != 0 || *config->jwt.secret != '\0' ||
		*config->jwt.keys_file != '\0')
		return;
	finding = doctor_find(doctor, DOCTOR_MAIL,
		"%s:%u: [auth] mechanisms contains mechanisms for tokens only, but [jwt] has no key",
		config->path, config_line(config, "auth", "mechanisms"));
	doctor_effect(finding,
		"Nobody can log in: passwords are not accepted, and no token can be "
		"checked.");
	doctor_cure(finding, "Permit passwords, or set [jwt] keys_file or secret_file.");
	doctor_set_key(finding, doctor, "auth", "mechanisms",
		options_find("auth", "mechanisms")->fallback);
	doctor_reload_postern(finding, doctor);
}

/* Report an instance whose services know Postern's socket, but do not offer AUTH. Returns whether
 * one of them offers it. */
static bool check_enabled(const struct doctor *doctor, const struct doctor_instance *instance)
{
	struct doctor_finding *finding;
	bool leads = false;

	for (size_t i = 0; i < instance->service_count; i++) {
		const struct doctor_service *service = &instance->services[i];

		if (!doctor_leads_logins(doctor, instance, service))
			continue;
		leads = true;
		if (doctor_postfix_yes(service->values, "smtpd_sasl_auth_enable"))
			return true;
	}
	if (leads) {
		finding = doctor_find(doctor, DOCTOR_NO_EFFECT,
			"%s: smtpd_sasl_path is Postern's socket, but no service has "
			"smtpd_sasl_auth_enable = yes",
			instance->folder);
		doctor_effect(finding, "Nobody can log in.");
		doctor_cure(finding, "If users log in at all services, set it in main.cf:");
		doctor_set_parameter(finding, instance, NULL, "smtpd_sasl_auth_enable", "yes");
		doctor_reload_postfix(finding, instance);
	}
	return false;
}

static int offer_password(void *context, const struct user *user)
{
	struct doctor_finding *finding = context;

	doctor_cure(finding, "Set passwords, for example:");
	doctor_shell(finding, "posternctl", "user", "passwd", user->name, (const char *)NULL);
	return 1;
}

/* Report that smtpd asks Postern to check logins, but there is neither a database nor a store. */
static void report_no_users(const struct doctor *doctor)
{
	struct doctor_finding *finding = doctor_find(doctor, DOCTOR_MAIL,
		"smtpd asks Postern to check logins, but there are no users: postern.conf names no "
		"database, and there is no store");

	doctor_effect(finding, "Nobody can log in.");
	doctor_cure(finding,
		"Set [store] path, and make a store with posternctl init; or let another server check "
		"the logins.");
}

/* Report that smtpd asks Postern to check logins, but no user has a password. */
static void check_passwords(const struct doctor *doctor)
{
	const struct config *config = doctor->config;
	struct doctor_finding *finding;

	if (can_log_in(doctor))
		return;
	if (config != NULL && !config->database.present && store_is_missing(config->store.path))
		report_no_users(doctor);
	if (doctor->store == NULL)
		return;
	finding = doctor_find(doctor, DOCTOR_MAIL,
		"smtpd asks Postern to check logins, but no user has a password");
	doctor_effect(finding, "Nobody can log in.");
	doctor_cure(finding, "Add users with posternctl user add.");
	(void)users_each(doctor->store->users, offer_password, finding);
}

void doctor_examine_sasl(const struct doctor *doctor)
{
	bool offers_logins = false;

	check_tokens(doctor);
	if (doctor->postfix == NULL)
		return;
	if (doctor->status == NULL && doctor->config == NULL) {
		doctor_unexamined(doctor,
			"Postern's socket is not known: the daemon does not answer, and the "
			"configuration has errors.",
			"whether Postfix's clients can log in");
		return;
	}
	for (size_t i = 0; i < doctor->postfix->instance_count; i++) {
		const struct doctor_instance *instance = &doctor->postfix->instances[i];

		if (!instance->is_enabled)
			continue;
		for (size_t j = 0; j < instance->service_count; j++)
			examine_service(doctor, instance, &instance->services[j]);
		offers_logins = check_enabled(doctor, instance) || offers_logins;
	}
	if (offers_logins)
		check_passwords(doctor);
}
