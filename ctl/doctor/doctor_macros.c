/*
 * Examines the macros that Postfix gives its milters: a {daemon_name} for each section [check
 * NAME], and those that Postern's checks need. Owns nothing. t/integration/test_doctor_postfix.py
 * covers it.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ctl/doctor/doctor_commands.h"
#include "ctl/doctor/doctor_examinations.h"
#include "ctl/doctor/doctor_ours.h"
#include "lib/base/near_name.h"
#include "lib/base/strbuf.h"

/* Return the service, of any instance, with this {daemon_name}, and its instance. */
static const struct doctor_service *find_daemon_name(const struct doctor *doctor, const char *name)
{
	for (size_t i = 0; i < doctor->postfix->instance_count; i++) {
		const struct doctor_instance *instance = &doctor->postfix->instances[i];

		for (size_t j = 0; j < instance->service_count; j++) {
			const struct doctor_service *service = &instance->services[j];

			if (strcasecmp(name,
				    doctor_postfix_value(service->values,
					    "milter_macro_daemon_name")) == 0)
				return service;
		}
	}
	return NULL;
}

/* Add the {daemon_name} of all services, each once. */
static void list_daemon_names(const struct doctor *doctor, struct strbuf *names)
{
	for (size_t i = 0; i < doctor->postfix->instance_count; i++) {
		const struct doctor_instance *instance = &doctor->postfix->instances[i];

		for (size_t j = 0; j < instance->service_count; j++) {
			const char *name = doctor_postfix_value(instance->services[j].values,
				"milter_macro_daemon_name");

			if (find_daemon_name(doctor, name) == &instance->services[j])
				strbuf_addf(names, "%s%s", names->len > 0 ? ", " : "", name);
		}
	}
}

/* Return the service that has the name of a section in master.cf, and its instance. */
static const struct doctor_service *find_service(const struct doctor *doctor, const char *name,
	const struct doctor_instance **instance_r)
{
	for (size_t i = 0; i < doctor->postfix->instance_count; i++) {
		const struct doctor_instance *instance = &doctor->postfix->instances[i];

		for (size_t j = 0; j < instance->service_count; j++) {
			if (strcasecmp(instance->services[j].name, name) != 0)
				continue;
			*instance_r = instance;
			return &instance->services[j];
		}
	}
	return NULL;
}

/* Return the {daemon_name} that is most similar to a section's name; NULL if none is similar. */
static const char *find_near(const struct doctor *doctor, const char *name)
{
	const char *near = NULL;
	unsigned best = NEAR_NAME_MAX;

	for (size_t i = 0; i < doctor->postfix->instance_count; i++) {
		const struct doctor_instance *instance = &doctor->postfix->instances[i];

		for (size_t j = 0; j < instance->service_count; j++) {
			const char *other = doctor_postfix_value(instance->services[j].values,
				"milter_macro_daemon_name");

			if (near_name_better(name, other, &best))
				near = other;
		}
	}
	return near;
}

/* Return whether no character of a name is special in a regex or in a replacement of sed(1). */
static bool is_word(const char *name)
{
	return name[strspn(name,
		       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")] == '\0';
}

/* Add the commands that let a section apply to the service that is meant. */
static void offer_name(struct doctor_finding *finding, const struct doctor *doctor,
	const char *name)
{
	const struct doctor_instance *instance;
	const struct doctor_service *service = find_service(doctor, name, &instance);
	const char *near = find_near(doctor, name);
	struct strbuf text = STRBUF_INIT;
	char *path;

	if (service != NULL) {
		doctor_cure(finding, "Give the service this name in master.cf.");
		strbuf_addf(&text, "%s/milter_macro_daemon_name=%s", service->key, name);
		if (!text.failed)
			doctor_postconf(finding, instance, "-P", text.text);
		doctor_reload_postfix(finding, instance);
	} else if (near != NULL && is_word(name) && is_word(near)) {
		doctor_cure(finding, "Correct the name of the section.");
		strbuf_addf(&text, "s/^\\(\\s*\\[\\s*\\)check %s\\(\\s*\\]\\)/\\1check %s\\2/",
			name, near);
		path = realpath(doctor->config->path, NULL); /* sed -i would replace a link */
		if (!text.failed && path != NULL)
			doctor_shell(finding, "sed", "-i", text.text, path, (const char *)NULL);
		free(path);
		doctor_reload_postern(finding, doctor);
	} else {
		doctor_cure(finding,
			"In master.cf, set milter_macro_daemon_name of the intended service, or "
			"remove the section.");
	}
	strbuf_free(&text);
}

/* Report a section that applies to no service. */
static void report_section(const struct doctor *doctor, const char *name)
{
	struct strbuf names = STRBUF_INIT;
	struct doctor_finding *finding;

	list_daemon_names(doctor, &names);
	finding = doctor_find(doctor, DOCTOR_NO_EFFECT,
		"%s: no service of Postfix has the {daemon_name} of the section [check %s]; they "
		"have: %s",
		doctor->config->path, name, names.text == NULL ? "" : names.text);
	doctor_effect(finding, "Its settings apply to no session; those of [check] apply instead.");
	offer_name(finding, doctor, name);
	strbuf_free(&names);
}

/*
 * Report a list of macros that lacks one. Postfix 2.5 and newer send Postern the macros that it
 * asks for, whatever the list contains, but other milters depend on it.
 */
static void check_macro(const struct doctor *doctor, const struct doctor_instance *instance,
	const char *parameter, const char *macro)
{
	const char *list = doctor_postfix_value(instance->values, parameter);
	struct strbuf whole = STRBUF_INIT;
	struct doctor_finding *finding;

	if (strstr(list, macro) != NULL)
		return;
	finding = doctor_find(doctor, DOCTOR_ADVICE, "%s: %s lacks %s", instance->folder, parameter,
		macro);
	doctor_effect(finding,
		"Postern requests the macro and receives it nevertheless. A milter that does "
		"not request its macros cannot recognize logged-in users, or cannot tell "
		"services apart.");
	strbuf_addf(&whole, "%s %s", list, macro);
	if (!whole.failed)
		doctor_set_parameter(finding, instance, NULL, parameter, whole.text);
	doctor_reload_postfix(finding, instance);
	strbuf_free(&whole);
}

static bool gives_login(const char *word, size_t len)
{
	(void)len;
	return strncmp(word + (*word == '{'), "auth_authen", 11) == 0;
}

/* Report a login that milter_macro_defaults gives every session, without a password. */
static void check_defaults(const struct doctor *doctor, const struct doctor_instance *instance,
	const struct doctor_service *service)
{
	static const char name[] = "milter_macro_defaults";
	static const char *const parameters[] = { name, NULL };
	const char *defaults = doctor_postfix_value(service->values, name);
	struct strbuf names = STRBUF_INIT, rest = STRBUF_INIT;
	struct doctor_finding *finding;
	const bool is_found = !doctor_is_repeated(instance, service, parameters, &names) &&
		!names.failed && doctor_postfix_leave_out(defaults, gives_login, ", ", &rest);

	if (is_found && !rest.failed) {
		finding = doctor_find(doctor, DOCTOR_SECURITY,
			"%s: milter_macro_defaults gives each session a login (%s)",
			instance->folder, names.text);
		doctor_effect(finding, "Every client counts as that user, without a password.");
		doctor_cure(finding, "Remove the element with auth_authen.");
		doctor_set_parameter(finding, instance, service, name,
			rest.text == NULL ? "" : rest.text);
		doctor_reload_postfix(finding, instance);
	}
	strbuf_free(&names);
	strbuf_free(&rest);
}

void doctor_examine_macros(const struct doctor *doctor)
{
	const struct settings *settings;

	if (doctor->postfix == NULL || doctor->config == NULL)
		return;
	settings = doctor->config->settings;
	for (size_t i = 1; i < settings->service_count; i++) {
		if (find_daemon_name(doctor, settings->services[i].name) == NULL)
			report_section(doctor, settings->services[i].name);
	}
	for (size_t i = 0; i < doctor->postfix->instance_count; i++) {
		const struct doctor_instance *instance = &doctor->postfix->instances[i];

		for (size_t j = 0; instance->is_enabled && j < instance->service_count; j++)
			check_defaults(doctor, instance, &instance->services[j]);
		if (instance->is_enabled && instance->service_count > 0) {
			check_macro(doctor, instance, "milter_mail_macros", "{auth_authen}");
			check_macro(doctor, instance, "milter_connect_macros", "{daemon_name}");
		}
	}
}
