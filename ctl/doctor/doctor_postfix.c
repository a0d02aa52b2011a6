/*
 * Examines settings of Postfix that leave Postern without effect: services and instances that do
 * not ask it, and mail that it should not see. Owns nothing. t/integration/test_doctor_postfix.py
 * covers it.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ctl/doctor/doctor_commands.h"
#include "ctl/doctor/doctor_examinations.h"
#include "ctl/doctor/doctor_ours.h"
#include "lib/match/domain.h"

/* Return whether the service asks Postern, or is meant to. */
static bool asks_us(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service)
{
	json_t *milters =
		doctor_postfix_milters(doctor_postfix_value(service->values, "smtpd_milters"));
	struct doctor_endpoint endpoint;
	const json_t *milter;
	const enum doctor_link link =
		doctor_find_link(doctor, instance, service, milters, &milter, &endpoint);

	json_decref(milters);
	return link == DOCTOR_LINK_OURS || link == DOCTOR_LINK_LOST;
}

/* Return whether a service of the instance asks Postern. */
static bool is_asked(const struct doctor *doctor, const struct doctor_instance *instance)
{
	for (size_t i = 0; i < instance->service_count; i++) {
		if (asks_us(doctor, instance, &instance->services[i]))
			return true;
	}
	return false;
}

/* Return whether any service asks Postern. */
static bool is_asked_anywhere(const struct doctor *doctor)
{
	for (size_t i = 0; i < doctor->postfix->instance_count; i++) {
		const struct doctor_instance *instance = &doctor->postfix->instances[i];

		if (instance->is_enabled && is_asked(doctor, instance))
			return true;
	}
	return false;
}

/*
 * Return whether a service only takes back mail that another one has received, or that of this
 * machine: no other machine reaches it, and the mail from others passes Postern elsewhere.
 */
static bool is_return(const struct doctor *doctor, const struct doctor_service *service)
{
	return service->reach == DOCTOR_REACH_RETURN ||
		(service->reach == DOCTOR_REACH_LOCAL && is_asked_anywhere(doctor));
}

/* Remove a word from a list; the others are separated by commas. */
static void remove_word(const char *list, const char *word, struct strbuf *out)
{
	const size_t len = strlen(word);
	const char *at = list;
	size_t step = 0;

	while ((at = doctor_postfix_word(at + step, &step)) != NULL) {
		if (step != len || strncasecmp(at, word, len) != 0)
			strbuf_addf(out, "%s%.*s", out->len > 0 ? ", " : "", (int)step, at);
	}
}

static void report_switched(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service, const char *names, bool is_asked_elsewhere)
{
	struct doctor_finding *finding = doctor_find(doctor,
		is_asked_elsewhere ? DOCTOR_NO_EFFECT : DOCTOR_MAIL,
		"%s: receive_override_options contains no_milters, so that smtpd (%s) asks no milter",
		instance->folder, names);
	struct strbuf rest = STRBUF_INIT;

	doctor_effect(finding, "No rule is applied to mail that these services receive.");
	doctor_cure(finding,
		"Remove no_milters. If a content filter returns mail to a separate service, set "
		"the option for that service alone, and bind the service to 127.0.0.1.");
	remove_word(doctor_postfix_value(service->values, "receive_override_options"), "no_milters",
		&rest);
	if (!rest.failed)
		doctor_set_parameter(finding, instance, service, "receive_override_options",
			rest.text == NULL ? "" : rest.text);
	doctor_reload_postfix(finding, instance);
	strbuf_free(&rest);
}

/* Report services whose milters do not include Postern. */
static void report_none(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service, const json_t *milters, const char *names,
	bool is_asked_elsewhere)
{
	const char *list = doctor_postfix_value(service->values, "smtpd_milters");
	const bool is_override = json_object_get(service->overrides, "smtpd_milters") != NULL;
	struct doctor_finding *finding = doctor_find(doctor,
		is_asked_elsewhere ? DOCTOR_NO_EFFECT : DOCTOR_MAIL,
		"%s: smtpd (%s) does not ask Postern: smtpd_milters in %s is %s", instance->folder,
		names, is_override ? "master.cf" : "main.cf", *list == '\0' ? "empty" : list);

	doctor_effect(finding, "No rule is applied to mail that these services receive.");
	if (is_override && *list == '\0' && is_asked_elsewhere) {
		struct strbuf option = STRBUF_INIT;

		doctor_cure(finding, "Remove the option, so that main.cf's value applies.");
		strbuf_addf(&option, "%s/smtpd_milters", service->key);
		if (!option.failed)
			doctor_postconf(finding, instance, "-PX", option.text);
		doctor_reload_postfix(finding, instance);
		strbuf_free(&option);
	} else {
		doctor_cure(finding,
			"Add Postern's socket. If a content filter returns mail to this "
			"service, bind the service to 127.0.0.1 instead.");
		doctor_offer_socket(finding, doctor, instance, service, DOCTOR_SOCKET_MILTER,
			milters, NULL);
	}
}

/* Report a table with other milters for some clients (Postfix 3.2 and newer); static: for all. */
static void examine_maps(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service, const char *names)
{
	const char *maps = doctor_postfix_value(service->values, "smtpd_milter_maps");
	const bool is_for_all = strncmp(maps, "static:", 7) == 0;
	struct doctor_finding *finding;

	if (*maps == '\0')
		return;
	finding = doctor_find(doctor, is_for_all ? DOCTOR_NO_EFFECT : DOCTOR_ADVICE,
		"%s: smtpd_milter_maps (%s) takes precedence over smtpd_milters (%s)",
		instance->folder, maps, names);
	doctor_effect(finding,
		"Postern is not asked about clients that the table matches, unless their entry "
		"contains its socket.");
	if (!is_for_all) {
		doctor_cure(finding, "If this is intended, nothing needs to be done.");
	} else {
		doctor_cure(finding, "The table matches every client. Remove it:");
		doctor_set_parameter(finding, instance, service, "smtpd_milter_maps", "");
		doctor_reload_postfix(finding, instance);
	}
}

/* Examine a service that strangers or users can reach. */
static void examine_service(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service)
{
	static const char *const parameters[] = { "smtpd_milters", "smtpd_milter_maps",
		"receive_override_options", NULL };
	struct strbuf names = STRBUF_INIT;
	struct doctor_endpoint endpoint;
	const json_t *milter;
	json_t *milters;

	if (is_return(doctor, service) ||
		doctor_is_repeated(instance, service, parameters, &names) || names.failed) {
		strbuf_free(&names);
		return;
	}
	milters = doctor_postfix_milters(doctor_postfix_value(service->values, "smtpd_milters"));
	switch (doctor_find_link(doctor, instance, service, milters, &milter, &endpoint)) {
	case DOCTOR_LINK_SWITCHED:
		report_switched(doctor, instance, service, names.text, is_asked(doctor, instance));
		break;
	case DOCTOR_LINK_NONE:
		report_none(doctor, instance, service, milters, names.text,
			is_asked(doctor, instance));
		break;
	case DOCTOR_LINK_OURS:
		examine_maps(doctor, instance, service, names.text);
		break;
	case DOCTOR_LINK_OTHER:
	case DOCTOR_LINK_LOST: /* doctor_sockets.c reports it */
		break;
	}
	json_decref(milters);
	strbuf_free(&names);
}

/* Report Postern among the milters of local mail. */
static void examine_local_mail(const struct doctor *doctor, const struct doctor_instance *instance)
{
	const json_t *cleanup = json_object_get(instance->listing, "cleanup/unix");
	/* cleanup(8) opens the socket. */
	const struct doctor_service service = {
		.is_chrooted = strcmp(doctor_postfix_value(cleanup, "chroot"), "y") == 0,
	};
	json_t *milters =
		doctor_postfix_milters(doctor_postfix_value(instance->values, "non_smtpd_milters"));
	const char *ours = doctor_our_socket(doctor, DOCTOR_SOCKET_MILTER);
	struct strbuf rest = STRBUF_INIT;
	struct doctor_finding *finding;
	bool is_ours = false;

	for (size_t i = 0; i < json_array_size(milters); i++) {
		const json_t *milter = json_array_get(milters, i);
		struct doctor_endpoint endpoint;

		if (doctor_endpoint_resolve(instance, &service,
			    doctor_postfix_value(milter, "address"), false, &endpoint) == 0 &&
			(doctor_endpoint_is(&endpoint, ours) || doctor_has_our_name(endpoint.path)))
			is_ours = true;
		else
			strbuf_addf(&rest, "%s%s", rest.len > 0 ? ", " : "",
				doctor_postfix_value(milter, "text"));
	}
	if (is_ours && !rest.failed) {
		finding = doctor_find(doctor, DOCTOR_NO_EFFECT,
			"%s: non_smtpd_milters contains Postern", instance->folder);
		doctor_effect(finding,
			"Local mail has no client and no login, so rules about these do not "
			"apply to it. Mail with a refused recipient stays in the queue.");
		doctor_cure(finding, "Name Postern's socket in smtpd_milters only.");
		doctor_set_parameter(finding, instance, NULL, "non_smtpd_milters",
			rest.text == NULL ? "" : rest.text);
		doctor_reload_postfix(finding, instance);
	}
	json_decref(milters);
	strbuf_free(&rest);
}

/* ---- addresses that Postfix delivers to one mailbox --------------------------------- */

/* Report a delimiter of extensions that the lists and limits do not know. They may know more than
 * Postfix: what delivers the mail, such as LMTP, may have its own. */
static void examine_delimiter(const struct doctor *doctor, const struct doctor_instance *instance)
{
	const char *theirs = doctor_postfix_value(instance->values, "recipient_delimiter");
	const char *ours = doctor->config->settings->list_delimiter;
	const size_t known = strspn(theirs, ours);
	struct doctor_finding *finding;

	if (theirs[known] == '\0')
		return;
	finding = doctor_find(doctor, DOCTOR_NO_EFFECT,
		"%s: recipient_delimiter is \"%s\", but [lists] recipient_delimiter is \"%s\"",
		instance->folder, theirs, ours);
	doctor_effect(finding,
		"Postfix delivers all%cx@example.com to all@example.com, but an entry for that "
		"address does not match it, and limits count it by itself.",
		theirs[known]);
	doctor_cure(finding, "In the section [lists] of %s, write \"recipient_delimiter = %s\":",
		doctor->config->path, theirs);
	doctor_set_key(finding, doctor, "lists", "recipient_delimiter", theirs);
	doctor_reload_postern(finding, doctor);
}

/* Return whether the lists know a name as one of the MTA's own: it is a domain of local_domains, or
 * a name of the machine itself. */
static bool is_known_name(const struct doctor *doctor, const struct doctor_instance *instance,
	const char *name)
{
	const char *domain = doctor->config->settings->local_domains;
	char canon[DOMAIN_SIZE];

	if (strcasecmp(doctor_postfix_value(instance->values, "myhostname"), name) == 0)
		return true;
	if (strncasecmp(name, "localhost", 9) == 0 && (name[9] == '\0' || name[9] == '.'))
		return true;
	if (domain_canon(name, strlen(name), canon) < 0)
		return false;
	for (; *domain != '\0'; domain += strlen(domain) + 1) {
		if (strcmp(domain, canon) == 0)
			return true;
	}
	return false;
}

/* Tell that domains of Postfix are not examined, because they are in a table or a file. */
static void advise_table(const struct doctor *doctor, const struct doctor_instance *instance,
	const char *table)
{
	struct doctor_finding *finding = doctor_find(doctor, DOCTOR_ADVICE,
		"%s: mydestination has domains in %s, which is not examined", instance->folder,
		table);

	doctor_effect(finding,
		"If [lists] local_domains lacks one of them, an entry for an address at this "
		"domain does not match \"all\" and all@localhost.");
	doctor_cure(finding, "Compare the table with local_domains in the section [lists] of %s.",
		doctor->config->path);
}

/* Add the domains of a list that the lists do not know. What is not a domain is left out. */
static void add_unknown(const struct doctor *doctor, const struct doctor_instance *instance,
	const char *parameter, struct strbuf *out)
{
	const char *at = doctor_postfix_value(instance->values, parameter);
	size_t len = 0;

	while ((at = doctor_postfix_word(at + len, &len)) != NULL) {
		char *word = strndup(at, len);

		if (word == NULL) {
			out->failed = true;
			return;
		}
		if (strpbrk(word, ":/") != NULL && strcmp(parameter, "mydestination") == 0)
			advise_table(doctor, instance, word);
		else if (strpbrk(word, ":/!$[{") == NULL && strchr(word, '.') != NULL &&
			!is_known_name(doctor, instance, word) &&
			(out->text == NULL || !doctor_postfix_lists(out->text, word)))
			strbuf_addf(out, "%s%s", out->len > 0 ? " " : "", word);
		free(word);
	}
}

/* Report domains that Postfix delivers locally and that the lists do not know. */
static void examine_domains(const struct doctor *doctor, const struct doctor_instance *instance)
{
	const char *domain = doctor->config->settings->local_domains;
	struct strbuf unknown = STRBUF_INIT, all = STRBUF_INIT;
	struct doctor_finding *finding;

	add_unknown(doctor, instance, "mydestination", &unknown);
	add_unknown(doctor, instance, "myorigin", &unknown);
	for (; *domain != '\0'; domain += strlen(domain) + 1)
		strbuf_addf(&all, "%s ", domain);
	strbuf_addf(&all, "%s", unknown.len > 0 ? unknown.text : "");
	if (unknown.len > 0 && !unknown.failed && !all.failed) {
		finding = doctor_find(doctor, DOCTOR_NO_EFFECT,
			"%s: mydestination or myorigin has domains that [lists] local_domains lacks: %s",
			instance->folder, unknown.text);
		doctor_effect(finding,
			"Postfix delivers \"all\" and all@localhost to the mailbox of the same name "
			"at these domains, but an entry for that address does not match them.");
		doctor_cure(finding, "In the section [lists] of %s, write \"local_domains = %s\":",
			doctor->config->path, all.text);
		doctor_set_key(finding, doctor, "lists", "local_domains", all.text);
		doctor_reload_postern(finding, doctor);
	}
	strbuf_free(&unknown);
	strbuf_free(&all);
}

void doctor_examine_postfix(const struct doctor *doctor)
{
	if (doctor->postfix == NULL)
		return;
	if (*doctor_our_socket(doctor, DOCTOR_SOCKET_MILTER) == '\0') {
		doctor_unexamined(doctor,
			"Postern's socket is not known: the daemon does not answer, and the "
			"configuration has errors.",
			"whether Postfix asks Postern");
		return;
	}
	for (size_t i = 0; i < doctor->postfix->instance_count; i++) {
		const struct doctor_instance *instance = &doctor->postfix->instances[i];

		if (!instance->is_enabled)
			continue;
		for (size_t j = 0; j < instance->service_count; j++)
			examine_service(doctor, instance, &instance->services[j]);
		examine_local_mail(doctor, instance);
		if (doctor->config != NULL && is_asked(doctor, instance)) {
			examine_delimiter(doctor, instance);
			examine_domains(doctor, instance);
		}
	}
}
